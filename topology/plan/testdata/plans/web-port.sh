#!/bin/sh -e
# lab web-port: every kernel change of "labctl up", in order
ip netns add web-port.client
ip netns add web-port.web
ip netns exec web-port.client sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec web-port.client sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec web-port.client sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec web-port.client sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0
ip netns exec web-port.client sysctl -qw net/ipv6/conf/all/disable_ipv6=0 net/ipv6/conf/default/disable_ipv6=0 net/ipv6/conf/all/accept_dad=0 net/ipv6/conf/default/accept_dad=0 net/ipv6/conf/all/accept_ra=0 net/ipv6/conf/default/accept_ra=0 net/ipv6/conf/all/forwarding=0 net/ipv6/icmp/ratelimit=0
ip -n web-port.client link set dev lo up
ip netns exec web-port.web sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec web-port.web sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec web-port.web sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec web-port.web sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0
ip netns exec web-port.web sysctl -qw net/ipv6/conf/all/disable_ipv6=0 net/ipv6/conf/default/disable_ipv6=0 net/ipv6/conf/all/accept_dad=0 net/ipv6/conf/default/accept_dad=0 net/ipv6/conf/all/accept_ra=0 net/ipv6/conf/default/accept_ra=0 net/ipv6/conf/all/forwarding=0 net/ipv6/icmp/ratelimit=0
ip -n web-port.web link set dev lo up
ip -n web-port.client link add name eth0 up address 00:50:56:20:d7:e3 mtu 1500 type veth peer name eth0 netns web-port.web address 00:50:56:00:c0:e8 mtu 1500
ip netns exec web-port.client sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec web-port.client sysctl -qew net/ipv6/neigh/eth0/retrans_time_ms=250 net/ipv6/neigh/eth0/proxy_delay=20
ip netns exec web-port.web sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec web-port.web sysctl -qew net/ipv6/neigh/eth0/retrans_time_ms=250 net/ipv6/neigh/eth0/proxy_delay=20
ip -n web-port.client addr replace 10.0.0.1/24 dev eth0
ip -n web-port.client addr replace 2001:db8::1/64 dev eth0 nodad
ip -n web-port.web addr replace 10.0.0.2/24 dev eth0
ip -n web-port.web addr replace 2001:db8::2/64 dev eth0 nodad
ip -n web-port.web link set dev eth0 up
ip netns exec web-port.web nft -f - <<'END-OF-LABCTL-RULES'
table inet host { chain in { type filter hook input priority 0; tcp dport 22 counter drop comment "ssh"; }; }
END-OF-LABCTL-RULES
