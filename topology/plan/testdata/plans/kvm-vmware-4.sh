#!/bin/sh -e
# lab kvm-vmware-4: every kernel change of "labctl up", in order
ip netns add kvm-vmware-4.host
ip netns add kvm-vmware-4.host.vmnet9
ip netns add kvm-vmware-4.kali
ip netns add kvm-vmware-4.kali1
ip netns add kvm-vmware-4.win
ip netns add kvm-vmware-4.xp
ip netns exec kvm-vmware-4.host sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=1 net/ipv4/conf/default/rp_filter=1 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec kvm-vmware-4.host sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec kvm-vmware-4.host sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec kvm-vmware-4.host sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n kvm-vmware-4.host link set dev lo up
ip netns exec kvm-vmware-4.host.vmnet9 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec kvm-vmware-4.host.vmnet9 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec kvm-vmware-4.host.vmnet9 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec kvm-vmware-4.host.vmnet9 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n kvm-vmware-4.host.vmnet9 link set dev lo up
ip netns exec kvm-vmware-4.kali sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec kvm-vmware-4.kali sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec kvm-vmware-4.kali sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec kvm-vmware-4.kali sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n kvm-vmware-4.kali link set dev lo up
ip netns exec kvm-vmware-4.kali1 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec kvm-vmware-4.kali1 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec kvm-vmware-4.kali1 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec kvm-vmware-4.kali1 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n kvm-vmware-4.kali1 link set dev lo up
ip netns exec kvm-vmware-4.win sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec kvm-vmware-4.win sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec kvm-vmware-4.win sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec kvm-vmware-4.win sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n kvm-vmware-4.win link set dev lo up
ip netns exec kvm-vmware-4.xp sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec kvm-vmware-4.xp sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec kvm-vmware-4.xp sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec kvm-vmware-4.xp sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n kvm-vmware-4.xp link set dev lo up
ip -n kvm-vmware-4.host link add name virbr4 mtu 1500 type bridge
ip -n kvm-vmware-4.host link add name vmh1 master virbr4 up address 02:67:29:13:51:38 mtu 1500 type veth peer name vmh2 address 02:67:29:13:52:75 mtu 1500
ip -n kvm-vmware-4.host link add name vmw1 master virbr4 up address 02:67:29:3c:16:9f mtu 1500 type veth peer name vmw2 netns kvm-vmware-4.host.vmnet9 address 02:23:88:40:fc:67 mtu 1500
ip -n kvm-vmware-4.host link add name vk42 master virbr4 up address fe:50:56:00:3f:bc mtu 1500 type veth peer name eth0 netns kvm-vmware-4.kali address 00:50:56:00:3f:bc mtu 1500
ip -n kvm-vmware-4.host link add name vk43 master virbr4 up address fe:50:56:1c:0b:0c mtu 1500 type veth peer name eth0 netns kvm-vmware-4.kali1 address 00:50:56:1c:0b:0c mtu 1500
ip -n kvm-vmware-4.host.vmnet9 link add name win up address fe:50:56:16:eb:2a mtu 1500 type veth peer name eth0 netns kvm-vmware-4.win address 00:50:56:16:eb:2a mtu 1500
ip -n kvm-vmware-4.host.vmnet9 link add name xp up address fe:50:56:3e:aa:02 mtu 1500 type veth peer name eth0 netns kvm-vmware-4.xp address 00:50:56:3e:aa:02 mtu 1500
ip netns exec kvm-vmware-4.host sysctl -qw net/ipv4/neigh/virbr4/retrans_time_ms=250 net/ipv4/neigh/virbr4/proxy_delay=20 net/ipv4/neigh/vmh2/retrans_time_ms=250 net/ipv4/neigh/vmh2/proxy_delay=20 net/ipv4/neigh/vmw1/retrans_time_ms=250 net/ipv4/neigh/vmw1/proxy_delay=20 net/ipv4/neigh/vmh1/retrans_time_ms=250 net/ipv4/neigh/vmh1/proxy_delay=20 net/ipv4/neigh/vk42/retrans_time_ms=250 net/ipv4/neigh/vk42/proxy_delay=20 net/ipv4/neigh/vk43/retrans_time_ms=250 net/ipv4/neigh/vk43/proxy_delay=20 net/ipv4/conf/virbr4/rp_filter=1 net/ipv4/conf/vmh2/rp_filter=1 net/ipv4/conf/vmw1/rp_filter=1 net/ipv4/conf/vmh1/rp_filter=1 net/ipv4/conf/vk42/rp_filter=1 net/ipv4/conf/vk43/rp_filter=1
ip netns exec kvm-vmware-4.kali sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec kvm-vmware-4.kali1 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec kvm-vmware-4.win sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec kvm-vmware-4.xp sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip -n kvm-vmware-4.host addr replace 192.168.48.1/24 dev vmh2
ip -n kvm-vmware-4.host link set dev vmh2 up
ip -n kvm-vmware-4.host.vmnet9 link set dev vmw2 up
ip -n kvm-vmware-4.kali addr replace 192.168.48.20/24 dev eth0
ip -n kvm-vmware-4.kali link set dev eth0 up
ip -n kvm-vmware-4.kali1 addr replace 192.168.48.21/24 dev eth0
ip -n kvm-vmware-4.kali1 link set dev eth0 up
ip -n kvm-vmware-4.win addr replace 192.168.48.3/24 dev eth0
ip -n kvm-vmware-4.win link set dev eth0 up
ip -n kvm-vmware-4.xp addr replace 192.168.48.4/24 dev eth0
ip -n kvm-vmware-4.xp link set dev eth0 up
ip -n kvm-vmware-4.host link set dev virbr4 up
# host.vmnet9: a virtual switch, which labctl is itself; this script makes its ports, and nothing joins them (see "labctl switch run")
