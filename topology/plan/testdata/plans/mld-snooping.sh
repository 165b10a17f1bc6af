#!/bin/sh -e
# lab mld-snooping: every kernel change of "labctl up", in order
ip netns add mld-snooping.hostbr
ip netns add mld-snooping.guest
ip netns add mld-snooping.peer
ip netns exec mld-snooping.hostbr sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec mld-snooping.hostbr sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec mld-snooping.hostbr sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec mld-snooping.hostbr sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0
ip netns exec mld-snooping.hostbr sysctl -qw net/ipv6/conf/all/disable_ipv6=0 net/ipv6/conf/default/disable_ipv6=0 net/ipv6/conf/all/accept_dad=0 net/ipv6/conf/default/accept_dad=0 net/ipv6/conf/all/accept_ra=0 net/ipv6/conf/default/accept_ra=0 net/ipv6/conf/all/forwarding=0 net/ipv6/icmp/ratelimit=0
ip -n mld-snooping.hostbr link set dev lo up
ip netns exec mld-snooping.guest sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec mld-snooping.guest sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec mld-snooping.guest sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec mld-snooping.guest sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0
ip netns exec mld-snooping.guest sysctl -qw net/ipv6/conf/all/disable_ipv6=0 net/ipv6/conf/default/disable_ipv6=0 net/ipv6/conf/all/accept_dad=0 net/ipv6/conf/default/accept_dad=0 net/ipv6/conf/all/accept_ra=0 net/ipv6/conf/default/accept_ra=0 net/ipv6/conf/all/forwarding=0 net/ipv6/icmp/ratelimit=0
ip -n mld-snooping.guest link set dev lo up
ip netns exec mld-snooping.peer sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec mld-snooping.peer sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec mld-snooping.peer sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec mld-snooping.peer sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0
ip netns exec mld-snooping.peer sysctl -qw net/ipv6/conf/all/disable_ipv6=0 net/ipv6/conf/default/disable_ipv6=0 net/ipv6/conf/all/accept_dad=0 net/ipv6/conf/default/accept_dad=0 net/ipv6/conf/all/accept_ra=0 net/ipv6/conf/default/accept_ra=0 net/ipv6/conf/all/forwarding=0 net/ipv6/icmp/ratelimit=0
ip -n mld-snooping.peer link set dev lo up
ip -n mld-snooping.hostbr link add name hostbr mtu 1500 type bridge mcast_query_interval 200 mcast_query_response_interval 100 mcast_membership_interval 1200 mcast_startup_query_interval 100
ip -n mld-snooping.hostbr link set dev hostbr type bridge mcast_querier 1
ip -n mld-snooping.hostbr link add name guest master hostbr up address fe:50:56:00:5e:9a mtu 1500 type veth peer name eth0 netns mld-snooping.guest address 00:50:56:00:5e:9a mtu 1500
ip -n mld-snooping.hostbr link add name peer master hostbr up address fe:50:56:2b:ce:f4 mtu 1500 type veth peer name eth0 netns mld-snooping.peer address 00:50:56:2b:ce:f4 mtu 1500
ip netns exec mld-snooping.hostbr sysctl -qw net/ipv4/neigh/hostbr/retrans_time_ms=250 net/ipv4/neigh/hostbr/proxy_delay=20
ip netns exec mld-snooping.hostbr sysctl -qew net/ipv6/neigh/hostbr/retrans_time_ms=250 net/ipv6/neigh/hostbr/proxy_delay=20
ip netns exec mld-snooping.hostbr sysctl -qw net/ipv4/neigh/guest/retrans_time_ms=250 net/ipv4/neigh/guest/proxy_delay=20
ip netns exec mld-snooping.hostbr sysctl -qew net/ipv6/neigh/guest/retrans_time_ms=250 net/ipv6/neigh/guest/proxy_delay=20
ip netns exec mld-snooping.hostbr sysctl -qw net/ipv4/neigh/peer/retrans_time_ms=250 net/ipv4/neigh/peer/proxy_delay=20
ip netns exec mld-snooping.hostbr sysctl -qew net/ipv6/neigh/peer/retrans_time_ms=250 net/ipv6/neigh/peer/proxy_delay=20
ip netns exec mld-snooping.guest sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec mld-snooping.guest sysctl -qew net/ipv6/neigh/eth0/retrans_time_ms=250 net/ipv6/neigh/eth0/proxy_delay=20
ip netns exec mld-snooping.peer sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec mld-snooping.peer sysctl -qew net/ipv6/neigh/eth0/retrans_time_ms=250 net/ipv6/neigh/eth0/proxy_delay=20
ip -n mld-snooping.guest addr replace 10.5.0.11/24 dev eth0
ip -n mld-snooping.guest addr replace 2001:db8:5::11/64 dev eth0 nodad
ip -n mld-snooping.guest link set dev eth0 up
ip -n mld-snooping.peer addr replace 10.5.0.9/24 dev eth0
ip -n mld-snooping.peer addr replace 2001:db8:5::9/64 dev eth0 nodad
ip -n mld-snooping.peer link set dev eth0 up
ip -n mld-snooping.hostbr link set dev hostbr up
ip netns exec mld-snooping.guest ip6tables-restore <<'END-OF-LABCTL-RULES'
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m comment --comment labctl:fw/mld-query -p icmpv6 --icmpv6-type 130 -j DROP
COMMIT
END-OF-LABCTL-RULES
