#!/bin/sh -e
# lab f2-two-nics: every kernel change of "labctl up", in order
ip netns add f2-two-nics.n1
ip netns add f2-two-nics.n2
ip netns add f2-two-nics.rt
ip netns add f2-two-nics.srv
ip netns add f2-two-nics.near
ip netns add f2-two-nics.ws
ip netns exec f2-two-nics.n1 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec f2-two-nics.n1 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec f2-two-nics.n1 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec f2-two-nics.n1 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n f2-two-nics.n1 link set dev lo up
ip netns exec f2-two-nics.n2 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec f2-two-nics.n2 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec f2-two-nics.n2 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec f2-two-nics.n2 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n f2-two-nics.n2 link set dev lo up
ip netns exec f2-two-nics.rt sysctl -qw net/ipv4/ip_forward=1 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=0 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec f2-two-nics.rt sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec f2-two-nics.rt sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec f2-two-nics.rt sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n f2-two-nics.rt link set dev lo up
ip netns exec f2-two-nics.srv sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=1 net/ipv4/conf/default/rp_filter=1 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec f2-two-nics.srv sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec f2-two-nics.srv sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec f2-two-nics.srv sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n f2-two-nics.srv link set dev lo up
ip netns exec f2-two-nics.near sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec f2-two-nics.near sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec f2-two-nics.near sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec f2-two-nics.near sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n f2-two-nics.near link set dev lo up
ip netns exec f2-two-nics.ws sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec f2-two-nics.ws sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec f2-two-nics.ws sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec f2-two-nics.ws sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n f2-two-nics.ws link set dev lo up
ip -n f2-two-nics.n1 link add name n1 mtu 1500 type bridge
ip -n f2-two-nics.n2 link add name n2 mtu 1500 type bridge
ip -n f2-two-nics.n1 link add name rt master n1 up address fe:50:56:0f:77:47 mtu 1500 type veth peer name eth1 netns f2-two-nics.rt address 00:50:56:0f:77:47 mtu 1500
ip -n f2-two-nics.n1 link add name srv master n1 up address fe:50:56:0f:cc:d8 mtu 1500 type veth peer name eth0 netns f2-two-nics.srv address 00:50:56:0f:cc:d8 mtu 1500
ip -n f2-two-nics.n2 link add name rt master n2 up address fe:50:56:0f:78:12 mtu 1500 type veth peer name eth2 netns f2-two-nics.rt address 00:50:56:0f:78:12 mtu 1500
ip -n f2-two-nics.n2 link add name srv master n2 up address fe:50:56:0f:d4:6b mtu 1500 type veth peer name eth1 netns f2-two-nics.srv address 00:50:56:0f:d4:6b mtu 1500
ip -n f2-two-nics.n2 link add name near master n2 up address fe:50:56:13:1e:63 mtu 1500 type veth peer name eth0 netns f2-two-nics.near address 00:50:56:13:1e:63 mtu 1500
ip -n f2-two-nics.rt link add name eth9 up address 00:50:56:0f:92:df mtu 1500 type veth peer name eth0 netns f2-two-nics.ws address 00:50:56:08:0d:79 mtu 1500
ip netns exec f2-two-nics.n1 sysctl -qw net/ipv4/neigh/n1/retrans_time_ms=250 net/ipv4/neigh/n1/proxy_delay=20 net/ipv4/neigh/rt/retrans_time_ms=250 net/ipv4/neigh/rt/proxy_delay=20 net/ipv4/neigh/srv/retrans_time_ms=250 net/ipv4/neigh/srv/proxy_delay=20
ip netns exec f2-two-nics.n2 sysctl -qw net/ipv4/neigh/n2/retrans_time_ms=250 net/ipv4/neigh/n2/proxy_delay=20 net/ipv4/neigh/rt/retrans_time_ms=250 net/ipv4/neigh/rt/proxy_delay=20 net/ipv4/neigh/srv/retrans_time_ms=250 net/ipv4/neigh/srv/proxy_delay=20 net/ipv4/neigh/near/retrans_time_ms=250 net/ipv4/neigh/near/proxy_delay=20
ip netns exec f2-two-nics.rt sysctl -qw net/ipv4/neigh/eth1/retrans_time_ms=250 net/ipv4/neigh/eth1/proxy_delay=20 net/ipv4/neigh/eth2/retrans_time_ms=250 net/ipv4/neigh/eth2/proxy_delay=20 net/ipv4/neigh/eth9/retrans_time_ms=250 net/ipv4/neigh/eth9/proxy_delay=20
ip netns exec f2-two-nics.srv sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20 net/ipv4/neigh/eth1/retrans_time_ms=250 net/ipv4/neigh/eth1/proxy_delay=20 net/ipv4/conf/eth0/rp_filter=1 net/ipv4/conf/eth1/rp_filter=1
ip netns exec f2-two-nics.near sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec f2-two-nics.ws sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip -n f2-two-nics.rt addr replace 10.0.1.254/24 dev eth1
ip -n f2-two-nics.rt link set dev eth1 up
ip -n f2-two-nics.rt addr replace 10.0.2.254/24 dev eth2
ip -n f2-two-nics.rt link set dev eth2 up
ip -n f2-two-nics.rt addr replace 10.0.9.254/24 dev eth9
ip -n f2-two-nics.srv addr replace 10.0.1.1/24 dev eth0
ip -n f2-two-nics.srv link set dev eth0 up
ip -n f2-two-nics.srv addr replace 10.0.2.1/24 dev eth1
ip -n f2-two-nics.srv link set dev eth1 up
ip -n f2-two-nics.near addr replace 10.0.2.20/24 dev eth0
ip -n f2-two-nics.near link set dev eth0 up
ip -n f2-two-nics.ws addr replace 10.0.9.9/24 dev eth0
ip -n f2-two-nics.ws link set dev eth0 up
ip -n f2-two-nics.n1 link set dev n1 up
ip -n f2-two-nics.n2 link set dev n2 up
ip -n f2-two-nics.srv route add default via 10.0.1.254
ip -n f2-two-nics.near route add default via 10.0.2.254
ip -n f2-two-nics.ws route add default via 10.0.9.254
