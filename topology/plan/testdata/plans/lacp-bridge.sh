#!/bin/sh -e
# lab lacp-bridge: every kernel change of "labctl up", in order
ip netns add lacp-bridge.br
ip netns add lacp-bridge.sw
ip netns add lacp-bridge.parent
ip netns add lacp-bridge.far
ip netns add lacp-bridge.r1
ip netns add lacp-bridge.r2
ip netns add lacp-bridge.r3
ip netns add lacp-bridge.r4
ip netns add lacp-bridge.r5
ip netns add lacp-bridge.r6
ip netns exec lacp-bridge.br sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec lacp-bridge.br sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec lacp-bridge.br sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec lacp-bridge.br sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n lacp-bridge.br link set dev lo up
ip netns exec lacp-bridge.sw sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec lacp-bridge.sw sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec lacp-bridge.sw sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec lacp-bridge.sw sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n lacp-bridge.sw link set dev lo up
ip netns exec lacp-bridge.parent sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec lacp-bridge.parent sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec lacp-bridge.parent sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec lacp-bridge.parent sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n lacp-bridge.parent link set dev lo up
ip netns exec lacp-bridge.far sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec lacp-bridge.far sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec lacp-bridge.far sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec lacp-bridge.far sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n lacp-bridge.far link set dev lo up
ip netns exec lacp-bridge.r1 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec lacp-bridge.r1 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec lacp-bridge.r1 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec lacp-bridge.r1 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n lacp-bridge.r1 link set dev lo up
ip netns exec lacp-bridge.r2 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec lacp-bridge.r2 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec lacp-bridge.r2 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec lacp-bridge.r2 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n lacp-bridge.r2 link set dev lo up
ip netns exec lacp-bridge.r3 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec lacp-bridge.r3 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec lacp-bridge.r3 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec lacp-bridge.r3 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n lacp-bridge.r3 link set dev lo up
ip netns exec lacp-bridge.r4 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec lacp-bridge.r4 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec lacp-bridge.r4 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec lacp-bridge.r4 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n lacp-bridge.r4 link set dev lo up
ip netns exec lacp-bridge.r5 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec lacp-bridge.r5 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec lacp-bridge.r5 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec lacp-bridge.r5 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n lacp-bridge.r5 link set dev lo up
ip netns exec lacp-bridge.r6 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec lacp-bridge.r6 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec lacp-bridge.r6 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec lacp-bridge.r6 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n lacp-bridge.r6 link set dev lo up
ip -n lacp-bridge.br link add name br mtu 1500 type bridge
ip -n lacp-bridge.br link add name r1 master br up address fe:50:56:3f:61:25 mtu 1500 type veth peer name eth0 netns lacp-bridge.r1 address 00:50:56:3f:61:25 mtu 1500
ip -n lacp-bridge.br link add name r2 master br up address fe:50:56:3c:a3:ae mtu 1500 type veth peer name eth0 netns lacp-bridge.r2 address 00:50:56:3c:a3:ae mtu 1500
ip -n lacp-bridge.sw link add name r3 up address fe:50:56:2f:33:db mtu 1500 type veth peer name eth0 netns lacp-bridge.r3 address 00:50:56:2f:33:db mtu 1500
ip -n lacp-bridge.sw link add name r4 up address fe:50:56:23:37:d8 mtu 1500 type veth peer name eth0 netns lacp-bridge.r4 address 00:50:56:23:37:d8 mtu 1500
ip -n lacp-bridge.parent link add name eth0 up address 00:50:56:2a:f1:b6 mtu 1500 type veth peer name eth0 netns lacp-bridge.far address 00:50:56:2d:7a:0e mtu 1500
ip -n lacp-bridge.parent link add link eth0 name eth1 netns lacp-bridge.r5 address 02:45:bc:23:16:fd mtu 1500 type macvlan mode bridge
ip -n lacp-bridge.parent link add link eth0 name eth1 netns lacp-bridge.r6 address 02:1a:74:ab:e5:d9 mtu 1500 type macvlan mode bridge
ip netns exec lacp-bridge.br sysctl -qw net/ipv4/neigh/br/retrans_time_ms=250 net/ipv4/neigh/br/proxy_delay=20 net/ipv4/neigh/r1/retrans_time_ms=250 net/ipv4/neigh/r1/proxy_delay=20 net/ipv4/neigh/r2/retrans_time_ms=250 net/ipv4/neigh/r2/proxy_delay=20
ip netns exec lacp-bridge.parent sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec lacp-bridge.far sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec lacp-bridge.r1 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec lacp-bridge.r2 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec lacp-bridge.r3 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec lacp-bridge.r4 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec lacp-bridge.r5 sysctl -qw net/ipv4/neigh/eth1/retrans_time_ms=250 net/ipv4/neigh/eth1/proxy_delay=20
ip netns exec lacp-bridge.r6 sysctl -qw net/ipv4/neigh/eth1/retrans_time_ms=250 net/ipv4/neigh/eth1/proxy_delay=20
ip -n lacp-bridge.far link set dev eth0 up
ip -n lacp-bridge.r1 link set dev eth0 up
ip -n lacp-bridge.r2 link set dev eth0 up
ip -n lacp-bridge.r3 link set dev eth0 up
ip -n lacp-bridge.r4 link set dev eth0 up
ip -n lacp-bridge.r5 link set dev eth1 up
ip -n lacp-bridge.r6 link set dev eth1 up
ip -n lacp-bridge.br link set dev br up
# sw: a virtual switch, which labctl is itself; this script makes its ports, and nothing joins them (see "labctl switch run")
