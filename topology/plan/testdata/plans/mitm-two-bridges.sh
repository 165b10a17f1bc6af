#!/bin/sh -e
# lab mitm-two-bridges: every kernel change of "labctl up", in order
ip netns add mitm-two-bridges.host
ip netns add mitm-two-bridges.kali2
ip netns add mitm-two-bridges.kali3
ip netns add mitm-two-bridges.kali4
ip netns add mitm-two-bridges.kali5
ip netns exec mitm-two-bridges.host sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=1 net/ipv4/conf/default/rp_filter=1 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec mitm-two-bridges.host sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec mitm-two-bridges.host sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec mitm-two-bridges.host sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n mitm-two-bridges.host link set dev lo up
ip netns exec mitm-two-bridges.kali2 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec mitm-two-bridges.kali2 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec mitm-two-bridges.kali2 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec mitm-two-bridges.kali2 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n mitm-two-bridges.kali2 link set dev lo up
ip netns exec mitm-two-bridges.kali3 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec mitm-two-bridges.kali3 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec mitm-two-bridges.kali3 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec mitm-two-bridges.kali3 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n mitm-two-bridges.kali3 link set dev lo up
ip netns exec mitm-two-bridges.kali4 sysctl -qw net/ipv4/ip_forward=1 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=0 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec mitm-two-bridges.kali4 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec mitm-two-bridges.kali4 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec mitm-two-bridges.kali4 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n mitm-two-bridges.kali4 link set dev lo up
ip netns exec mitm-two-bridges.kali5 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec mitm-two-bridges.kali5 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec mitm-two-bridges.kali5 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec mitm-two-bridges.kali5 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n mitm-two-bridges.kali5 link set dev lo up
ip -n mitm-two-bridges.host link add name virbr4 mtu 1500 type bridge ageing_time 3000
ip -n mitm-two-bridges.host link add name virbr6 mtu 1500 type bridge ageing_time 3000
ip -n mitm-two-bridges.host link add name vethb1 master virbr4 up address 02:73:b6:50:ff:81 mtu 1500 type veth peer name vethb2 address 02:73:b6:50:fd:4c mtu 1500
ip -n mitm-two-bridges.host link set dev vethb2 master virbr6
ip -n mitm-two-bridges.host link add name vmh1 master virbr4 up address 02:7a:72:e0:eb:5a mtu 1500 type veth peer name vmh2 address 02:7a:72:e0:eb:43 mtu 1500
ip -n mitm-two-bridges.host link add name vk42 master virbr4 up address fe:50:56:32:2c:19 mtu 1500 type veth peer name eth0 netns mitm-two-bridges.kali2 address 00:50:56:32:2c:19 mtu 1500
ip -n mitm-two-bridges.host link add name vk63 master virbr6 up address fe:54:00:9f:5d:c1 mtu 1500 type veth peer name eth0 netns mitm-two-bridges.kali3 address 52:54:00:9f:5d:c1 mtu 1500
ip -n mitm-two-bridges.host link add name vk64 master virbr6 up address fe:54:00:74:60:4a mtu 1500 type veth peer name eth0 netns mitm-two-bridges.kali4 address 52:54:00:74:60:4a mtu 1500
ip -n mitm-two-bridges.host link add name vk65 master virbr6 up address fe:54:00:0f:34:4f mtu 1500 type veth peer name eth0 netns mitm-two-bridges.kali5 address 52:54:00:0f:34:4f mtu 1500
ip netns exec mitm-two-bridges.host sysctl -qw net/ipv4/neigh/virbr4/retrans_time_ms=250 net/ipv4/neigh/virbr4/proxy_delay=20 net/ipv4/neigh/virbr6/retrans_time_ms=250 net/ipv4/neigh/virbr6/proxy_delay=20 net/ipv4/neigh/vethb1/retrans_time_ms=250 net/ipv4/neigh/vethb1/proxy_delay=20 net/ipv4/neigh/vmh2/retrans_time_ms=250 net/ipv4/neigh/vmh2/proxy_delay=20 net/ipv4/neigh/vethb2/retrans_time_ms=250 net/ipv4/neigh/vethb2/proxy_delay=20 net/ipv4/neigh/vmh1/retrans_time_ms=250 net/ipv4/neigh/vmh1/proxy_delay=20 net/ipv4/neigh/vk42/retrans_time_ms=250 net/ipv4/neigh/vk42/proxy_delay=20 net/ipv4/neigh/vk63/retrans_time_ms=250 net/ipv4/neigh/vk63/proxy_delay=20 net/ipv4/neigh/vk64/retrans_time_ms=250 net/ipv4/neigh/vk64/proxy_delay=20 net/ipv4/neigh/vk65/retrans_time_ms=250 net/ipv4/neigh/vk65/proxy_delay=20 net/ipv4/conf/virbr4/rp_filter=1 net/ipv4/conf/virbr6/rp_filter=1 net/ipv4/conf/vethb1/rp_filter=1 net/ipv4/conf/vmh2/rp_filter=1 net/ipv4/conf/vethb2/rp_filter=1 net/ipv4/conf/vmh1/rp_filter=1 net/ipv4/conf/vk42/rp_filter=1 net/ipv4/conf/vk63/rp_filter=1 net/ipv4/conf/vk64/rp_filter=1 net/ipv4/conf/vk65/rp_filter=1
ip netns exec mitm-two-bridges.kali2 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec mitm-two-bridges.kali3 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec mitm-two-bridges.kali4 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec mitm-two-bridges.kali5 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip -n mitm-two-bridges.host addr replace 192.168.50.1/24 dev vmh2
ip -n mitm-two-bridges.host link set dev vmh2 up
ip -n mitm-two-bridges.host link set dev vethb2 up
ip -n mitm-two-bridges.kali2 addr replace 192.168.50.12/24 dev eth0
ip -n mitm-two-bridges.kali2 link set dev eth0 up
ip -n mitm-two-bridges.kali3 addr replace 192.168.50.13/24 dev eth0
ip -n mitm-two-bridges.kali3 link set dev eth0 up
ip -n mitm-two-bridges.kali4 addr replace 192.168.50.14/24 dev eth0
ip -n mitm-two-bridges.kali4 link set dev eth0 up
ip -n mitm-two-bridges.kali5 addr replace 192.168.50.15/24 dev eth0
ip -n mitm-two-bridges.kali5 link set dev eth0 up
ip -n mitm-two-bridges.host link set dev virbr4 up
ip -n mitm-two-bridges.host link set dev virbr6 up
ip netns exec mitm-two-bridges.kali4 iptables-restore <<'END-OF-LABCTL-RULES'
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A OUTPUT -m comment --comment labctl:quiet/no-redirects -p icmp --icmp-type redirect -j REJECT
COMMIT
END-OF-LABCTL-RULES
