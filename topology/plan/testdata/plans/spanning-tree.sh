#!/bin/sh -e
# lab spanning-tree: every kernel change of "labctl up", in order
ip netns add spanning-tree.s1
ip netns add spanning-tree.s2
ip netns add spanning-tree.s3
ip netns add spanning-tree.h2
ip netns add spanning-tree.h3
ip netns exec spanning-tree.s1 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec spanning-tree.s1 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec spanning-tree.s1 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec spanning-tree.s1 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n spanning-tree.s1 link set dev lo up
ip netns exec spanning-tree.s2 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec spanning-tree.s2 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec spanning-tree.s2 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec spanning-tree.s2 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n spanning-tree.s2 link set dev lo up
ip netns exec spanning-tree.s3 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec spanning-tree.s3 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec spanning-tree.s3 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec spanning-tree.s3 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n spanning-tree.s3 link set dev lo up
ip netns exec spanning-tree.h2 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec spanning-tree.h2 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec spanning-tree.h2 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec spanning-tree.h2 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n spanning-tree.h2 link set dev lo up
ip netns exec spanning-tree.h3 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec spanning-tree.h3 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec spanning-tree.h3 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec spanning-tree.h3 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n spanning-tree.h3 link set dev lo up
ip -n spanning-tree.s1 link add name s1 mtu 1500 type bridge forward_delay 400 max_age 600 stp_state 1 priority 4096
ip -n spanning-tree.s2 link add name s2 mtu 1500 type bridge forward_delay 400 max_age 600 stp_state 1 priority 8192
ip -n spanning-tree.s3 link add name s3 mtu 1500 type bridge forward_delay 400 max_age 600 stp_state 1
ip -n spanning-tree.s1 link add name s2 master s1 up address fe:50:56:1e:a9:b0 mtu 1500 type veth peer name s1 netns spanning-tree.s2 address fe:50:56:17:4d:76 mtu 1500
ip -n spanning-tree.s2 link set dev s1 master s2
ip -n spanning-tree.s1 link add name s3 master s1 up address fe:50:56:1e:aa:03 mtu 1500 type veth peer name s1 netns spanning-tree.s3 address fe:50:56:3b:57:da mtu 1500
ip -n spanning-tree.s3 link set dev s1 master s3
ip -n spanning-tree.s2 link add name s3 master s2 up address fe:50:56:17:4c:dc mtu 1500 type veth peer name s2 netns spanning-tree.s3 address fe:50:56:3b:5f:33 mtu 1500
ip -n spanning-tree.s3 link set dev s2 master s3
ip -n spanning-tree.s2 link add name h2 master s2 up address fe:50:56:07:8e:08 mtu 1500 type veth peer name eth0 netns spanning-tree.h2 address 00:50:56:07:8e:08 mtu 1500
ip -n spanning-tree.s3 link add name h3 master s3 up address fe:50:56:00:bb:b0 mtu 1500 type veth peer name eth0 netns spanning-tree.h3 address 00:50:56:00:bb:b0 mtu 1500
ip netns exec spanning-tree.s1 sysctl -qw net/ipv4/neigh/s1/retrans_time_ms=250 net/ipv4/neigh/s1/proxy_delay=20 net/ipv4/neigh/s2/retrans_time_ms=250 net/ipv4/neigh/s2/proxy_delay=20 net/ipv4/neigh/s3/retrans_time_ms=250 net/ipv4/neigh/s3/proxy_delay=20
ip netns exec spanning-tree.s2 sysctl -qw net/ipv4/neigh/s2/retrans_time_ms=250 net/ipv4/neigh/s2/proxy_delay=20 net/ipv4/neigh/s1/retrans_time_ms=250 net/ipv4/neigh/s1/proxy_delay=20 net/ipv4/neigh/s3/retrans_time_ms=250 net/ipv4/neigh/s3/proxy_delay=20 net/ipv4/neigh/h2/retrans_time_ms=250 net/ipv4/neigh/h2/proxy_delay=20
ip netns exec spanning-tree.s3 sysctl -qw net/ipv4/neigh/s3/retrans_time_ms=250 net/ipv4/neigh/s3/proxy_delay=20 net/ipv4/neigh/s1/retrans_time_ms=250 net/ipv4/neigh/s1/proxy_delay=20 net/ipv4/neigh/s2/retrans_time_ms=250 net/ipv4/neigh/s2/proxy_delay=20 net/ipv4/neigh/h3/retrans_time_ms=250 net/ipv4/neigh/h3/proxy_delay=20
ip netns exec spanning-tree.h2 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec spanning-tree.h3 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip -n spanning-tree.s2 link set dev s1 up
ip -n spanning-tree.s3 link set dev s1 up
ip -n spanning-tree.s3 link set dev s2 up
ip -n spanning-tree.h2 addr replace 10.0.0.2/24 dev eth0
ip -n spanning-tree.h2 link set dev eth0 up
ip -n spanning-tree.h3 addr replace 10.0.0.3/24 dev eth0
ip -n spanning-tree.h3 link set dev eth0 up
ip -n spanning-tree.s1 link set dev s1 up
ip -n spanning-tree.s2 link set dev s2 up
ip -n spanning-tree.s3 link set dev s3 up
