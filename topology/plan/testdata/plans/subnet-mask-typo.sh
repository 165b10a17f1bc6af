#!/bin/sh -e
# lab subnet-mask-typo: every kernel change of "labctl up", in order
ip netns add subnet-mask-typo.s1
ip netns add subnet-mask-typo.rt
ip netns add subnet-mask-typo.h0
ip netns add subnet-mask-typo.h1
ip netns add subnet-mask-typo.h2
ip netns add subnet-mask-typo.h3
ip netns add subnet-mask-typo.h4
ip netns add subnet-mask-typo.h5
ip netns exec subnet-mask-typo.s1 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=2 net/ipv4/conf/default/rp_filter=2 net/ipv4/conf/all/accept_redirects=0 net/ipv4/conf/default/accept_redirects=0 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec subnet-mask-typo.s1 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec subnet-mask-typo.s1 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec subnet-mask-typo.s1 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n subnet-mask-typo.s1 link set dev lo up
ip netns exec subnet-mask-typo.rt sysctl -qw net/ipv4/ip_forward=1 net/ipv4/conf/all/rp_filter=2 net/ipv4/conf/default/rp_filter=2 net/ipv4/conf/all/accept_redirects=0 net/ipv4/conf/default/accept_redirects=0 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec subnet-mask-typo.rt sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec subnet-mask-typo.rt sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec subnet-mask-typo.rt sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n subnet-mask-typo.rt link set dev lo up
ip netns exec subnet-mask-typo.h0 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=2 net/ipv4/conf/default/rp_filter=2 net/ipv4/conf/all/accept_redirects=0 net/ipv4/conf/default/accept_redirects=0 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec subnet-mask-typo.h0 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec subnet-mask-typo.h0 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec subnet-mask-typo.h0 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n subnet-mask-typo.h0 link set dev lo up
ip netns exec subnet-mask-typo.h1 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=2 net/ipv4/conf/default/rp_filter=2 net/ipv4/conf/all/accept_redirects=0 net/ipv4/conf/default/accept_redirects=0 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec subnet-mask-typo.h1 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec subnet-mask-typo.h1 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec subnet-mask-typo.h1 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n subnet-mask-typo.h1 link set dev lo up
ip netns exec subnet-mask-typo.h2 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=2 net/ipv4/conf/default/rp_filter=2 net/ipv4/conf/all/accept_redirects=0 net/ipv4/conf/default/accept_redirects=0 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec subnet-mask-typo.h2 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec subnet-mask-typo.h2 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec subnet-mask-typo.h2 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n subnet-mask-typo.h2 link set dev lo up
ip netns exec subnet-mask-typo.h3 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=2 net/ipv4/conf/default/rp_filter=2 net/ipv4/conf/all/accept_redirects=0 net/ipv4/conf/default/accept_redirects=0 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec subnet-mask-typo.h3 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec subnet-mask-typo.h3 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec subnet-mask-typo.h3 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n subnet-mask-typo.h3 link set dev lo up
ip netns exec subnet-mask-typo.h4 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=2 net/ipv4/conf/default/rp_filter=2 net/ipv4/conf/all/accept_redirects=0 net/ipv4/conf/default/accept_redirects=0 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec subnet-mask-typo.h4 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec subnet-mask-typo.h4 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec subnet-mask-typo.h4 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n subnet-mask-typo.h4 link set dev lo up
ip netns exec subnet-mask-typo.h5 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=2 net/ipv4/conf/default/rp_filter=2 net/ipv4/conf/all/accept_redirects=0 net/ipv4/conf/default/accept_redirects=0 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec subnet-mask-typo.h5 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec subnet-mask-typo.h5 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec subnet-mask-typo.h5 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n subnet-mask-typo.h5 link set dev lo up
ip -n subnet-mask-typo.s1 link add name s1 mtu 1500 type bridge
ip -n subnet-mask-typo.s1 link add name h0 master s1 up address fe:50:56:06:95:53 mtu 1500 type veth peer name eth0 netns subnet-mask-typo.h0 address 00:50:56:06:95:53 mtu 1500
ip -n subnet-mask-typo.s1 link add name h1 master s1 up address fe:50:56:31:65:36 mtu 1500 type veth peer name eth0 netns subnet-mask-typo.h1 address 00:50:56:31:65:36 mtu 1500
ip -n subnet-mask-typo.s1 link add name h2 master s1 up address fe:50:56:37:a2:dd mtu 1500 type veth peer name eth0 netns subnet-mask-typo.h2 address 00:50:56:37:a2:dd mtu 1500
ip -n subnet-mask-typo.s1 link add name h3 master s1 up address fe:50:56:26:10:ab mtu 1500 type veth peer name eth0 netns subnet-mask-typo.h3 address 00:50:56:26:10:ab mtu 1500
ip -n subnet-mask-typo.s1 link add name h4 master s1 up address fe:50:56:1c:3a:0b mtu 1500 type veth peer name eth0 netns subnet-mask-typo.h4 address 00:50:56:1c:3a:0b mtu 1500
ip -n subnet-mask-typo.s1 link add name h5 master s1 up address fe:50:56:13:21:b2 mtu 1500 type veth peer name eth0 netns subnet-mask-typo.h5 address 00:50:56:13:21:b2 mtu 1500
ip -n subnet-mask-typo.s1 link add name rt master s1 up address fe:50:56:28:8b:fb mtu 1500 type veth peer name eth0 netns subnet-mask-typo.rt address 00:50:56:28:8b:fb mtu 1500
ip netns exec subnet-mask-typo.s1 sysctl -qw net/ipv4/neigh/s1/retrans_time_ms=250 net/ipv4/neigh/s1/proxy_delay=20 net/ipv4/neigh/h0/retrans_time_ms=250 net/ipv4/neigh/h0/proxy_delay=20 net/ipv4/neigh/h1/retrans_time_ms=250 net/ipv4/neigh/h1/proxy_delay=20 net/ipv4/neigh/h2/retrans_time_ms=250 net/ipv4/neigh/h2/proxy_delay=20 net/ipv4/neigh/h3/retrans_time_ms=250 net/ipv4/neigh/h3/proxy_delay=20 net/ipv4/neigh/h4/retrans_time_ms=250 net/ipv4/neigh/h4/proxy_delay=20 net/ipv4/neigh/h5/retrans_time_ms=250 net/ipv4/neigh/h5/proxy_delay=20 net/ipv4/neigh/rt/retrans_time_ms=250 net/ipv4/neigh/rt/proxy_delay=20 net/ipv4/conf/s1/rp_filter=2 net/ipv4/conf/s1/accept_redirects=0 net/ipv4/conf/h0/rp_filter=2 net/ipv4/conf/h0/accept_redirects=0 net/ipv4/conf/h1/rp_filter=2 net/ipv4/conf/h1/accept_redirects=0 net/ipv4/conf/h2/rp_filter=2 net/ipv4/conf/h2/accept_redirects=0 net/ipv4/conf/h3/rp_filter=2 net/ipv4/conf/h3/accept_redirects=0 net/ipv4/conf/h4/rp_filter=2 net/ipv4/conf/h4/accept_redirects=0 net/ipv4/conf/h5/rp_filter=2 net/ipv4/conf/h5/accept_redirects=0 net/ipv4/conf/rt/rp_filter=2 net/ipv4/conf/rt/accept_redirects=0
ip netns exec subnet-mask-typo.rt sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20 net/ipv4/conf/eth0/rp_filter=2 net/ipv4/conf/eth0/accept_redirects=0
ip netns exec subnet-mask-typo.h0 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20 net/ipv4/conf/eth0/rp_filter=2 net/ipv4/conf/eth0/accept_redirects=0
ip netns exec subnet-mask-typo.h1 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20 net/ipv4/conf/eth0/rp_filter=2 net/ipv4/conf/eth0/accept_redirects=0
ip netns exec subnet-mask-typo.h2 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20 net/ipv4/conf/eth0/rp_filter=2 net/ipv4/conf/eth0/accept_redirects=0
ip netns exec subnet-mask-typo.h3 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20 net/ipv4/conf/eth0/rp_filter=2 net/ipv4/conf/eth0/accept_redirects=0
ip netns exec subnet-mask-typo.h4 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20 net/ipv4/conf/eth0/rp_filter=2 net/ipv4/conf/eth0/accept_redirects=0
ip netns exec subnet-mask-typo.h5 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20 net/ipv4/conf/eth0/rp_filter=2 net/ipv4/conf/eth0/accept_redirects=0
ip -n subnet-mask-typo.rt addr replace 192.168.0.254/24 dev eth0
ip -n subnet-mask-typo.rt link set dev eth0 up
ip -n subnet-mask-typo.h0 addr replace 192.168.0.1/24 dev eth0
ip -n subnet-mask-typo.h0 link set dev eth0 up
ip -n subnet-mask-typo.h1 addr replace 192.168.0.65/25 dev eth0
ip -n subnet-mask-typo.h1 link set dev eth0 up
ip -n subnet-mask-typo.h2 addr replace 192.168.0.129/25 dev eth0
ip -n subnet-mask-typo.h2 link set dev eth0 up
ip -n subnet-mask-typo.h3 addr replace 192.168.0.130/25 dev eth0
ip -n subnet-mask-typo.h3 link set dev eth0 up
ip -n subnet-mask-typo.h4 addr replace 192.168.0.193/26 dev eth0
ip -n subnet-mask-typo.h4 link set dev eth0 up
ip -n subnet-mask-typo.h5 addr replace 192.168.0.194/26 dev eth0
ip -n subnet-mask-typo.h5 link set dev eth0 up
ip -n subnet-mask-typo.s1 link set dev s1 up
ip -n subnet-mask-typo.h3 route add default via 192.168.0.254
ip -n subnet-mask-typo.h4 route add 192.168.0.0/26 via 192.168.0.254
ip -n subnet-mask-typo.h5 route add 192.168.0.128/26 via 192.168.0.254
