#!/bin/sh -e
# lab lldp-macvtap: every kernel change of "labctl up", in order
ip netns add lldp-macvtap.nodeA
ip netns add lldp-macvtap.nodeB
ip netns add lldp-macvtap.vma
ip netns add lldp-macvtap.vmb
ip netns exec lldp-macvtap.nodeA sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec lldp-macvtap.nodeA sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec lldp-macvtap.nodeA sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec lldp-macvtap.nodeA sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n lldp-macvtap.nodeA link set dev lo up
ip netns exec lldp-macvtap.nodeB sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec lldp-macvtap.nodeB sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec lldp-macvtap.nodeB sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec lldp-macvtap.nodeB sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n lldp-macvtap.nodeB link set dev lo up
ip netns exec lldp-macvtap.vma sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec lldp-macvtap.vma sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec lldp-macvtap.vma sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec lldp-macvtap.vma sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n lldp-macvtap.vma link set dev lo up
ip netns exec lldp-macvtap.vmb sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec lldp-macvtap.vmb sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec lldp-macvtap.vmb sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec lldp-macvtap.vmb sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n lldp-macvtap.vmb link set dev lo up
ip -n lldp-macvtap.nodeA link add name eth0 up address 00:50:56:09:69:5d mtu 1500 type veth peer name eth0 netns lldp-macvtap.nodeB address 00:50:56:00:63:8e mtu 1500
ip -n lldp-macvtap.nodeA link add link eth0 name net1 netns lldp-macvtap.vma address 02:2f:a7:b4:ef:51 mtu 1500 type macvtap mode bridge
ip -n lldp-macvtap.nodeB link add link eth0 name net1 netns lldp-macvtap.vmb address 02:21:82:50:dd:cc mtu 1500 type macvtap mode bridge
ip netns exec lldp-macvtap.nodeA sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec lldp-macvtap.nodeB sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec lldp-macvtap.vma sysctl -qw net/ipv4/neigh/net1/retrans_time_ms=250 net/ipv4/neigh/net1/proxy_delay=20
ip netns exec lldp-macvtap.vmb sysctl -qw net/ipv4/neigh/net1/retrans_time_ms=250 net/ipv4/neigh/net1/proxy_delay=20
ip -n lldp-macvtap.nodeB link set dev eth0 up
ip -n lldp-macvtap.vma addr replace 10.3.0.1/24 dev net1
ip -n lldp-macvtap.vma link set dev net1 up
ip -n lldp-macvtap.vmb addr replace 10.3.0.2/24 dev net1
ip -n lldp-macvtap.vmb link set dev net1 up
