#!/bin/sh -e
# lab vxlan-bridges: every kernel change of "labctl up", in order
ip netns add vxlan-bridges.site1
ip netns add vxlan-bridges.site2
ip netns add vxlan-bridges.site3
ip netns add vxlan-bridges.h1
ip netns add vxlan-bridges.h2
ip netns add vxlan-bridges.h3
ip netns add vxlan-bridges.wire
ip netns exec vxlan-bridges.site1 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec vxlan-bridges.site1 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec vxlan-bridges.site1 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec vxlan-bridges.site1 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n vxlan-bridges.site1 link set dev lo up
ip netns exec vxlan-bridges.site2 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec vxlan-bridges.site2 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec vxlan-bridges.site2 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec vxlan-bridges.site2 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n vxlan-bridges.site2 link set dev lo up
ip netns exec vxlan-bridges.site3 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec vxlan-bridges.site3 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec vxlan-bridges.site3 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec vxlan-bridges.site3 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n vxlan-bridges.site3 link set dev lo up
ip netns exec vxlan-bridges.h1 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec vxlan-bridges.h1 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec vxlan-bridges.h1 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec vxlan-bridges.h1 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n vxlan-bridges.h1 link set dev lo up
ip netns exec vxlan-bridges.h2 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec vxlan-bridges.h2 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec vxlan-bridges.h2 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec vxlan-bridges.h2 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n vxlan-bridges.h2 link set dev lo up
ip netns exec vxlan-bridges.h3 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec vxlan-bridges.h3 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec vxlan-bridges.h3 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec vxlan-bridges.h3 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n vxlan-bridges.h3 link set dev lo up
ip netns exec vxlan-bridges.wire sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec vxlan-bridges.wire sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec vxlan-bridges.wire sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec vxlan-bridges.wire sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n vxlan-bridges.wire link set dev lo up
ip -n vxlan-bridges.site1 link add name br0 mtu 1450 type bridge
ip -n vxlan-bridges.site2 link add name br0 mtu 1450 type bridge
ip -n vxlan-bridges.site3 link add name br0 mtu 1450 type bridge
ip -n vxlan-bridges.wire link add name wire mtu 1500 type bridge
ip -n vxlan-bridges.wire link add name site1 master wire up address fe:50:56:07:4b:3b mtu 1500 type veth peer name eth0 netns vxlan-bridges.site1 address 00:50:56:07:4b:3b mtu 1500
ip -n vxlan-bridges.site1 link add name vxlan0 address 02:33:fc:5c:f4:e9 mtu 1450 type vxlan id 7 dev eth0 dstport 4789 remote 10.0.0.2
ip -n vxlan-bridges.site1 link set dev vxlan0 master br0
ip -n vxlan-bridges.site1 link add name h1 master br0 up address fe:50:56:05:a1:48 mtu 1500 type veth peer name eth0 netns vxlan-bridges.h1 address 00:50:56:05:a1:48 mtu 1450
ip -n vxlan-bridges.wire link add name site2 master wire up address fe:50:56:36:c9:d0 mtu 1500 type veth peer name eth0 netns vxlan-bridges.site2 address 00:50:56:36:c9:d0 mtu 1500
ip -n vxlan-bridges.site2 link add name vxlan0 address 02:2b:7f:f5:77:32 mtu 1450 type vxlan id 7 dev eth0 dstport 4789 remote 10.0.0.1
ip -n vxlan-bridges.site2 link set dev vxlan0 master br0
ip -n vxlan-bridges.site2 link add name h2 master br0 up address fe:50:56:0b:d1:c2 mtu 1500 type veth peer name eth0 netns vxlan-bridges.h2 address 00:50:56:0b:d1:c2 mtu 1450
ip -n vxlan-bridges.wire link add name site3 master wire up address fe:50:56:17:cd:bc mtu 1500 type veth peer name eth0 netns vxlan-bridges.site3 address 00:50:56:17:cd:bc mtu 1500
ip -n vxlan-bridges.site3 link add name vxlan0 address 02:5f:be:ca:40:b3 mtu 1450 type vxlan id 7 dev eth0 dstport 4789 remote 10.0.0.1
ip -n vxlan-bridges.site3 link set dev vxlan0 master br0
ip -n vxlan-bridges.site3 link add name h3 master br0 up address fe:50:56:2a:dc:23 mtu 1500 type veth peer name eth0 netns vxlan-bridges.h3 address 00:50:56:2a:dc:23 mtu 1450
ip netns exec vxlan-bridges.site1 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20 net/ipv4/neigh/br0/retrans_time_ms=250 net/ipv4/neigh/br0/proxy_delay=20 net/ipv4/neigh/vxlan0/retrans_time_ms=250 net/ipv4/neigh/vxlan0/proxy_delay=20 net/ipv4/neigh/h1/retrans_time_ms=250 net/ipv4/neigh/h1/proxy_delay=20
ip netns exec vxlan-bridges.site2 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20 net/ipv4/neigh/br0/retrans_time_ms=250 net/ipv4/neigh/br0/proxy_delay=20 net/ipv4/neigh/vxlan0/retrans_time_ms=250 net/ipv4/neigh/vxlan0/proxy_delay=20 net/ipv4/neigh/h2/retrans_time_ms=250 net/ipv4/neigh/h2/proxy_delay=20
ip netns exec vxlan-bridges.site3 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20 net/ipv4/neigh/br0/retrans_time_ms=250 net/ipv4/neigh/br0/proxy_delay=20 net/ipv4/neigh/vxlan0/retrans_time_ms=250 net/ipv4/neigh/vxlan0/proxy_delay=20 net/ipv4/neigh/h3/retrans_time_ms=250 net/ipv4/neigh/h3/proxy_delay=20
ip netns exec vxlan-bridges.h1 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec vxlan-bridges.h2 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec vxlan-bridges.h3 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec vxlan-bridges.wire sysctl -qw net/ipv4/neigh/wire/retrans_time_ms=250 net/ipv4/neigh/wire/proxy_delay=20 net/ipv4/neigh/site1/retrans_time_ms=250 net/ipv4/neigh/site1/proxy_delay=20 net/ipv4/neigh/site2/retrans_time_ms=250 net/ipv4/neigh/site2/proxy_delay=20 net/ipv4/neigh/site3/retrans_time_ms=250 net/ipv4/neigh/site3/proxy_delay=20
bridge -n vxlan-bridges.site1 fdb append 00:00:00:00:00:00 dev vxlan0 dst 10.0.0.3
bridge -n vxlan-bridges.site2 fdb append 00:00:00:00:00:00 dev vxlan0 dst 10.0.0.3
bridge -n vxlan-bridges.site3 fdb append 00:00:00:00:00:00 dev vxlan0 dst 10.0.0.2
ip -n vxlan-bridges.site1 addr replace 10.0.0.1/24 dev eth0
ip -n vxlan-bridges.site1 link set dev eth0 up
ip -n vxlan-bridges.site1 link set dev vxlan0 up
ip -n vxlan-bridges.site2 addr replace 10.0.0.2/24 dev eth0
ip -n vxlan-bridges.site2 link set dev eth0 up
ip -n vxlan-bridges.site2 link set dev vxlan0 up
ip -n vxlan-bridges.site3 addr replace 10.0.0.3/24 dev eth0
ip -n vxlan-bridges.site3 link set dev eth0 up
ip -n vxlan-bridges.site3 link set dev vxlan0 up
ip -n vxlan-bridges.h1 addr replace 192.168.7.1/24 dev eth0
ip -n vxlan-bridges.h1 link set dev eth0 up
ip -n vxlan-bridges.h2 addr replace 192.168.7.2/24 dev eth0
ip -n vxlan-bridges.h2 link set dev eth0 up
ip -n vxlan-bridges.h3 addr replace 192.168.7.3/24 dev eth0
ip -n vxlan-bridges.h3 link set dev eth0 up
ip -n vxlan-bridges.site1 link set dev br0 up
ip -n vxlan-bridges.site2 link set dev br0 up
ip -n vxlan-bridges.site3 link set dev br0 up
ip -n vxlan-bridges.wire link set dev wire up
