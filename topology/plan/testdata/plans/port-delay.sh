#!/bin/sh -e
# lab port-delay: every kernel change of "labctl up", in order
ip netns add port-delay.br0
ip netns add port-delay.pxe
ip netns add port-delay.vm
ip netns exec port-delay.br0 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec port-delay.br0 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec port-delay.br0 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec port-delay.br0 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n port-delay.br0 link set dev lo up
ip netns exec port-delay.pxe sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec port-delay.pxe sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec port-delay.pxe sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec port-delay.pxe sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n port-delay.pxe link set dev lo up
ip netns exec port-delay.vm sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec port-delay.vm sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec port-delay.vm sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec port-delay.vm sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n port-delay.vm link set dev lo up
ip -n port-delay.br0 link add name br0 mtu 1500 type bridge forward_delay 400 max_age 600 stp_state 1
ip -n port-delay.br0 link add name pxe master br0 up address fe:50:56:2e:b0:e3 mtu 1500 type veth peer name eth0 netns port-delay.pxe address 00:50:56:2e:b0:e3 mtu 1500
ip -n port-delay.br0 link add name vm master br0 up address fe:50:56:3f:96:7a mtu 1500 type veth peer name eth0 netns port-delay.vm address 00:50:56:3f:96:7a mtu 1500
ip netns exec port-delay.br0 sysctl -qw net/ipv4/neigh/br0/retrans_time_ms=250 net/ipv4/neigh/br0/proxy_delay=20 net/ipv4/neigh/pxe/retrans_time_ms=250 net/ipv4/neigh/pxe/proxy_delay=20 net/ipv4/neigh/vm/retrans_time_ms=250 net/ipv4/neigh/vm/proxy_delay=20
ip netns exec port-delay.pxe sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec port-delay.vm sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip -n port-delay.pxe addr replace 10.1.0.1/24 dev eth0
ip -n port-delay.pxe link set dev eth0 up
ip -n port-delay.vm addr replace 10.1.0.20/24 dev eth0
ip -n port-delay.vm link set dev eth0 up
ip -n port-delay.br0 link set dev br0 up
