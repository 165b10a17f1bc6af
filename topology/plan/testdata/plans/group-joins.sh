#!/bin/sh -e
# lab group-joins: every kernel change of "labctl up", in order
ip netns add group-joins.snoop
ip netns add group-joins.source
ip netns add group-joins.one
ip netns add group-joins.two
ip netns add group-joins.three
ip netns exec group-joins.snoop sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec group-joins.snoop sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec group-joins.snoop sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec group-joins.snoop sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0
ip netns exec group-joins.snoop sysctl -qw net/ipv6/conf/all/disable_ipv6=0 net/ipv6/conf/default/disable_ipv6=0 net/ipv6/conf/all/accept_dad=0 net/ipv6/conf/default/accept_dad=0 net/ipv6/conf/all/accept_ra=0 net/ipv6/conf/default/accept_ra=0 net/ipv6/conf/all/forwarding=0 net/ipv6/icmp/ratelimit=0
ip -n group-joins.snoop link set dev lo up
ip netns exec group-joins.source sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec group-joins.source sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec group-joins.source sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec group-joins.source sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0
ip netns exec group-joins.source sysctl -qw net/ipv6/conf/all/disable_ipv6=0 net/ipv6/conf/default/disable_ipv6=0 net/ipv6/conf/all/accept_dad=0 net/ipv6/conf/default/accept_dad=0 net/ipv6/conf/all/accept_ra=0 net/ipv6/conf/default/accept_ra=0 net/ipv6/conf/all/forwarding=0 net/ipv6/icmp/ratelimit=0
ip -n group-joins.source link set dev lo up
ip netns exec group-joins.one sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec group-joins.one sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec group-joins.one sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec group-joins.one sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0
ip netns exec group-joins.one sysctl -qw net/ipv6/conf/all/disable_ipv6=0 net/ipv6/conf/default/disable_ipv6=0 net/ipv6/conf/all/accept_dad=0 net/ipv6/conf/default/accept_dad=0 net/ipv6/conf/all/accept_ra=0 net/ipv6/conf/default/accept_ra=0 net/ipv6/conf/all/forwarding=0 net/ipv6/icmp/ratelimit=0
ip -n group-joins.one link set dev lo up
ip netns exec group-joins.two sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec group-joins.two sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec group-joins.two sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec group-joins.two sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0
ip netns exec group-joins.two sysctl -qw net/ipv6/conf/all/disable_ipv6=0 net/ipv6/conf/default/disable_ipv6=0 net/ipv6/conf/all/accept_dad=0 net/ipv6/conf/default/accept_dad=0 net/ipv6/conf/all/accept_ra=0 net/ipv6/conf/default/accept_ra=0 net/ipv6/conf/all/forwarding=0 net/ipv6/icmp/ratelimit=0
ip -n group-joins.two link set dev lo up
ip netns exec group-joins.three sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec group-joins.three sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec group-joins.three sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec group-joins.three sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0
ip netns exec group-joins.three sysctl -qw net/ipv6/conf/all/disable_ipv6=0 net/ipv6/conf/default/disable_ipv6=0 net/ipv6/conf/all/accept_dad=0 net/ipv6/conf/default/accept_dad=0 net/ipv6/conf/all/accept_ra=0 net/ipv6/conf/default/accept_ra=0 net/ipv6/conf/all/forwarding=0 net/ipv6/icmp/ratelimit=0
ip -n group-joins.three link set dev lo up
ip -n group-joins.snoop link add name snoop mtu 1500 type bridge mcast_query_interval 200 mcast_query_response_interval 100 mcast_membership_interval 1200 mcast_startup_query_interval 100
ip -n group-joins.snoop link set dev snoop type bridge mcast_querier 1
ip -n group-joins.snoop link add name source master snoop up address fe:50:56:3f:d3:f9 mtu 1500 type veth peer name eth0 netns group-joins.source address 00:50:56:3f:d3:f9 mtu 1500
ip -n group-joins.snoop link add name one master snoop up address fe:50:56:35:f8:e1 mtu 1500 type veth peer name eth0 netns group-joins.one address 00:50:56:35:f8:e1 mtu 1500
ip -n group-joins.snoop link add name two master snoop up address fe:50:56:36:9b:04 mtu 1500 type veth peer name eth0 netns group-joins.two address 00:50:56:36:9b:04 mtu 1500
ip -n group-joins.snoop link add name three master snoop up address fe:50:56:36:54:f8 mtu 1500 type veth peer name eth0 netns group-joins.three address 00:50:56:36:54:f8 mtu 1500
ip netns exec group-joins.snoop sysctl -qw net/ipv4/neigh/snoop/retrans_time_ms=250 net/ipv4/neigh/snoop/proxy_delay=20
ip netns exec group-joins.snoop sysctl -qew net/ipv6/neigh/snoop/retrans_time_ms=250 net/ipv6/neigh/snoop/proxy_delay=20
ip netns exec group-joins.snoop sysctl -qw net/ipv4/neigh/source/retrans_time_ms=250 net/ipv4/neigh/source/proxy_delay=20
ip netns exec group-joins.snoop sysctl -qew net/ipv6/neigh/source/retrans_time_ms=250 net/ipv6/neigh/source/proxy_delay=20
ip netns exec group-joins.snoop sysctl -qw net/ipv4/neigh/one/retrans_time_ms=250 net/ipv4/neigh/one/proxy_delay=20
ip netns exec group-joins.snoop sysctl -qew net/ipv6/neigh/one/retrans_time_ms=250 net/ipv6/neigh/one/proxy_delay=20
ip netns exec group-joins.snoop sysctl -qw net/ipv4/neigh/two/retrans_time_ms=250 net/ipv4/neigh/two/proxy_delay=20
ip netns exec group-joins.snoop sysctl -qew net/ipv6/neigh/two/retrans_time_ms=250 net/ipv6/neigh/two/proxy_delay=20
ip netns exec group-joins.snoop sysctl -qw net/ipv4/neigh/three/retrans_time_ms=250 net/ipv4/neigh/three/proxy_delay=20
ip netns exec group-joins.snoop sysctl -qew net/ipv6/neigh/three/retrans_time_ms=250 net/ipv6/neigh/three/proxy_delay=20
ip netns exec group-joins.source sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec group-joins.source sysctl -qew net/ipv6/neigh/eth0/retrans_time_ms=250 net/ipv6/neigh/eth0/proxy_delay=20
ip netns exec group-joins.one sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec group-joins.one sysctl -qew net/ipv6/neigh/eth0/retrans_time_ms=250 net/ipv6/neigh/eth0/proxy_delay=20
ip netns exec group-joins.two sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec group-joins.two sysctl -qew net/ipv6/neigh/eth0/retrans_time_ms=250 net/ipv6/neigh/eth0/proxy_delay=20
ip netns exec group-joins.three sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec group-joins.three sysctl -qew net/ipv6/neigh/eth0/retrans_time_ms=250 net/ipv6/neigh/eth0/proxy_delay=20
ip -n group-joins.source addr replace 10.6.0.9/24 dev eth0
ip -n group-joins.source link set dev eth0 up
ip -n group-joins.one addr replace 10.6.0.1/24 dev eth0
ip -n group-joins.one link set dev eth0 up
ip -n group-joins.two addr replace 10.6.0.2/24 dev eth0
ip -n group-joins.two link set dev eth0 up
ip -n group-joins.three addr replace 10.6.0.3/24 dev eth0
ip -n group-joins.three link set dev eth0 up
ip -n group-joins.snoop link set dev snoop up
ip -n group-joins.one addr replace 239.1.1.1/32 dev eth0 scope host autojoin
ip -n group-joins.one addr replace ff15::1234/128 dev eth0 nodad noprefixroute autojoin
ip -n group-joins.two addr replace 239.1.1.1/32 dev eth0 scope host autojoin
