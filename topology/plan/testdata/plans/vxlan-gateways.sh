#!/bin/sh -e
# lab vxlan-gateways: every kernel change of "labctl up", in order
ip netns add vxlan-gateways.gw0
ip netns add vxlan-gateways.gw1
ip netns add vxlan-gateways.server1
ip netns add vxlan-gateways.server2
ip netns exec vxlan-gateways.gw0 sysctl -qw net/ipv4/ip_forward=1 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=0 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec vxlan-gateways.gw0 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec vxlan-gateways.gw0 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec vxlan-gateways.gw0 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n vxlan-gateways.gw0 link set dev lo up
ip netns exec vxlan-gateways.gw1 sysctl -qw net/ipv4/ip_forward=1 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=0 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec vxlan-gateways.gw1 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec vxlan-gateways.gw1 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec vxlan-gateways.gw1 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n vxlan-gateways.gw1 link set dev lo up
ip netns exec vxlan-gateways.server1 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec vxlan-gateways.server1 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec vxlan-gateways.server1 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec vxlan-gateways.server1 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n vxlan-gateways.server1 link set dev lo up
ip netns exec vxlan-gateways.server2 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec vxlan-gateways.server2 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec vxlan-gateways.server2 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec vxlan-gateways.server2 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n vxlan-gateways.server2 link set dev lo up
ip -n vxlan-gateways.gw0 link add name eth1 up address 00:50:56:1c:35:3c mtu 1500 type veth peer name eth0 netns vxlan-gateways.server1 address 00:50:56:1a:ca:f4 mtu 1500
ip -n vxlan-gateways.gw0 link add name eth2 up address 00:50:56:1c:3c:81 mtu 1500 type veth peer name eth2 netns vxlan-gateways.gw1 address 00:50:56:13:cb:7f mtu 1500
ip -n vxlan-gateways.gw0 link add name vxlan0 address 02:ab:36:e5:5b:3c mtu 1450 type vxlan id 10 dev eth2 dstport 4789 remote 172.12.1.11
ip -n vxlan-gateways.gw1 link add name eth1 up address 00:50:56:13:cd:a2 mtu 1500 type veth peer name eth0 netns vxlan-gateways.server2 address 00:50:56:0f:32:4e mtu 1500
ip -n vxlan-gateways.gw1 link add name vxlan0 address 02:cd:01:50:86:77 mtu 1450 type vxlan id 10 dev eth2 dstport 4789 remote 172.12.1.10
ip netns exec vxlan-gateways.gw0 sysctl -qw net/ipv4/neigh/eth1/retrans_time_ms=250 net/ipv4/neigh/eth1/proxy_delay=20 net/ipv4/neigh/eth2/retrans_time_ms=250 net/ipv4/neigh/eth2/proxy_delay=20 net/ipv4/neigh/vxlan0/retrans_time_ms=250 net/ipv4/neigh/vxlan0/proxy_delay=20
ip netns exec vxlan-gateways.gw1 sysctl -qw net/ipv4/neigh/eth1/retrans_time_ms=250 net/ipv4/neigh/eth1/proxy_delay=20 net/ipv4/neigh/eth2/retrans_time_ms=250 net/ipv4/neigh/eth2/proxy_delay=20 net/ipv4/neigh/vxlan0/retrans_time_ms=250 net/ipv4/neigh/vxlan0/proxy_delay=20
ip netns exec vxlan-gateways.server1 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec vxlan-gateways.server2 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip -n vxlan-gateways.gw0 addr replace 10.1.5.1/24 dev eth1
ip -n vxlan-gateways.gw0 addr replace 172.12.1.10/24 dev eth2
ip -n vxlan-gateways.gw0 addr replace 1.1.1.1/24 dev vxlan0
ip -n vxlan-gateways.gw0 link set dev vxlan0 up
ip -n vxlan-gateways.gw1 addr replace 10.1.8.1/24 dev eth1
ip -n vxlan-gateways.gw1 addr replace 172.12.1.11/24 dev eth2
ip -n vxlan-gateways.gw1 link set dev eth2 up
ip -n vxlan-gateways.gw1 addr replace 1.1.1.2/24 dev vxlan0
ip -n vxlan-gateways.gw1 link set dev vxlan0 up
ip -n vxlan-gateways.server1 addr replace 10.1.5.10/24 dev eth0
ip -n vxlan-gateways.server1 link set dev eth0 up
ip -n vxlan-gateways.server2 addr replace 10.1.8.10/24 dev eth0
ip -n vxlan-gateways.server2 link set dev eth0 up
ip -n vxlan-gateways.gw0 route add 10.1.8.0/24 via 1.1.1.2
ip -n vxlan-gateways.gw1 route add 10.1.5.0/24 via 1.1.1.1
ip -n vxlan-gateways.server1 route add default via 10.1.5.1
ip -n vxlan-gateways.server2 route add default via 10.1.8.1
