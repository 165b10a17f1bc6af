#!/bin/sh -e
# lab nested-esxi: every kernel change of "labctl up", in order
ip netns add nested-esxi.phys
ip netns add nested-esxi.x1
ip netns add nested-esxi.dvs
ip netns add nested-esxi.vm0
ip netns add nested-esxi.spy
ip netns add nested-esxi.esxi1
ip netns add nested-esxi.esxi1.vSwitch0
ip netns add nested-esxi.esxi1.vm1
ip netns add nested-esxi.esxi2
ip netns add nested-esxi.esxi2.vSwitch0
ip netns add nested-esxi.esxi2.vm1
ip netns exec nested-esxi.phys sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec nested-esxi.phys sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec nested-esxi.phys sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec nested-esxi.phys sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n nested-esxi.phys link set dev lo up
ip netns exec nested-esxi.x1 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec nested-esxi.x1 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec nested-esxi.x1 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec nested-esxi.x1 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n nested-esxi.x1 link set dev lo up
ip netns exec nested-esxi.dvs sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec nested-esxi.dvs sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec nested-esxi.dvs sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec nested-esxi.dvs sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n nested-esxi.dvs link set dev lo up
ip netns exec nested-esxi.vm0 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec nested-esxi.vm0 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec nested-esxi.vm0 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec nested-esxi.vm0 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n nested-esxi.vm0 link set dev lo up
ip netns exec nested-esxi.spy sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec nested-esxi.spy sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec nested-esxi.spy sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec nested-esxi.spy sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n nested-esxi.spy link set dev lo up
ip netns exec nested-esxi.esxi1 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=1 net/ipv4/conf/default/arp_ignore=1 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec nested-esxi.esxi1 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec nested-esxi.esxi1 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec nested-esxi.esxi1 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n nested-esxi.esxi1 link set dev lo up
ip netns exec nested-esxi.esxi1.vSwitch0 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec nested-esxi.esxi1.vSwitch0 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec nested-esxi.esxi1.vSwitch0 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec nested-esxi.esxi1.vSwitch0 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n nested-esxi.esxi1.vSwitch0 link set dev lo up
ip netns exec nested-esxi.esxi1.vm1 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec nested-esxi.esxi1.vm1 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec nested-esxi.esxi1.vm1 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec nested-esxi.esxi1.vm1 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n nested-esxi.esxi1.vm1 link set dev lo up
ip netns exec nested-esxi.esxi2 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=1 net/ipv4/conf/default/arp_ignore=1 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec nested-esxi.esxi2 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec nested-esxi.esxi2 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec nested-esxi.esxi2 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n nested-esxi.esxi2 link set dev lo up
ip netns exec nested-esxi.esxi2.vSwitch0 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec nested-esxi.esxi2.vSwitch0 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec nested-esxi.esxi2.vSwitch0 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec nested-esxi.esxi2.vSwitch0 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n nested-esxi.esxi2.vSwitch0 link set dev lo up
ip netns exec nested-esxi.esxi2.vm1 sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec nested-esxi.esxi2.vm1 sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec nested-esxi.esxi2.vm1 sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec nested-esxi.esxi2.vm1 sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n nested-esxi.esxi2.vm1 link set dev lo up
ip -n nested-esxi.phys link add name phys mtu 1500 type bridge
ip -n nested-esxi.phys link add name dvs master phys up address fe:50:56:3f:90:1f mtu 1500 type veth peer name vmnic9 netns nested-esxi.dvs address fe:50:56:24:9c:54 mtu 1500
ip -n nested-esxi.phys link add name x1 master phys up address fe:50:56:34:b9:ac mtu 1500 type veth peer name eth0 netns nested-esxi.x1 address 00:50:56:34:b9:ac mtu 1500
ip -n nested-esxi.dvs link add name vm0 up address fe:50:56:18:62:3e mtu 1500 type veth peer name eth0 netns nested-esxi.vm0 address 00:50:56:18:62:3e mtu 1500
ip -n nested-esxi.dvs link add name spy up address fe:50:56:1c:11:67 mtu 1500 type veth peer name eth0 netns nested-esxi.spy address 00:50:56:1c:11:67 mtu 1500
ip -n nested-esxi.dvs link add name esxi1-vmnic0 up address fe:50:56:01:00:00 mtu 1500 type veth peer name vmnic0 netns nested-esxi.esxi1.vSwitch0 address 00:50:56:01:00:00 mtu 1500
ip -n nested-esxi.dvs link add name esxi1-vmnic1 address fe:50:56:01:00:01 mtu 1500 type veth peer name vmnic1 netns nested-esxi.esxi1.vSwitch0 address 00:50:56:01:00:01 mtu 1500
ip -n nested-esxi.dvs link add name esxi2-vmnic0 up address fe:50:56:02:00:00 mtu 1500 type veth peer name vmnic0 netns nested-esxi.esxi2.vSwitch0 address 00:50:56:02:00:00 mtu 1500
ip -n nested-esxi.esxi1 link add name vmk0 up address 00:50:56:01:00:00 mtu 1500 type veth peer name esxi1 netns nested-esxi.esxi1.vSwitch0 address fe:50:56:14:1f:ee mtu 1500
ip -n nested-esxi.esxi1 link add name vmk1 up address 00:50:56:61:00:01 mtu 1500 type veth peer name esxi1-vmk1 netns nested-esxi.esxi1.vSwitch0 address fe:50:56:61:00:01 mtu 1500
ip -n nested-esxi.esxi1.vSwitch0 link add name vm1 up address fe:50:56:2b:a4:38 mtu 1500 type veth peer name eth0 netns nested-esxi.esxi1.vm1 address 00:50:56:2b:a4:38 mtu 1500
ip -n nested-esxi.esxi2 link add name vmk0 up address 00:50:56:02:00:00 mtu 1500 type veth peer name esxi2 netns nested-esxi.esxi2.vSwitch0 address fe:50:56:1e:4d:6b mtu 1500
ip -n nested-esxi.esxi2 link add name vmk1 up address 00:50:56:62:00:01 mtu 1500 type veth peer name esxi2-vmk1 netns nested-esxi.esxi2.vSwitch0 address fe:50:56:62:00:01 mtu 1500
ip -n nested-esxi.esxi2.vSwitch0 link add name vm1 up address fe:50:56:35:41:27 mtu 1500 type veth peer name eth0 netns nested-esxi.esxi2.vm1 address 00:50:56:35:41:27 mtu 1500
ip netns exec nested-esxi.phys sysctl -qw net/ipv4/neigh/phys/retrans_time_ms=250 net/ipv4/neigh/phys/proxy_delay=20 net/ipv4/neigh/dvs/retrans_time_ms=250 net/ipv4/neigh/dvs/proxy_delay=20 net/ipv4/neigh/x1/retrans_time_ms=250 net/ipv4/neigh/x1/proxy_delay=20
ip netns exec nested-esxi.x1 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec nested-esxi.vm0 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip -n nested-esxi.spy link set dev eth0 promisc on
ip netns exec nested-esxi.spy sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec nested-esxi.esxi1 sysctl -qw net/ipv4/neigh/vmk0/retrans_time_ms=250 net/ipv4/neigh/vmk0/proxy_delay=20 net/ipv4/neigh/vmk1/retrans_time_ms=250 net/ipv4/neigh/vmk1/proxy_delay=20 net/ipv4/conf/vmk0/arp_ignore=1 net/ipv4/conf/vmk1/arp_ignore=1
ip netns exec nested-esxi.esxi1.vm1 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec nested-esxi.esxi2 sysctl -qw net/ipv4/neigh/vmk0/retrans_time_ms=250 net/ipv4/neigh/vmk0/proxy_delay=20 net/ipv4/neigh/vmk1/retrans_time_ms=250 net/ipv4/neigh/vmk1/proxy_delay=20 net/ipv4/conf/vmk0/arp_ignore=1 net/ipv4/conf/vmk1/arp_ignore=1
ip netns exec nested-esxi.esxi2.vm1 sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip -n nested-esxi.x1 addr replace 192.168.0.200/24 dev eth0
ip -n nested-esxi.x1 link set dev eth0 up
ip -n nested-esxi.dvs link set dev vmnic9 up
ip -n nested-esxi.vm0 addr replace 192.168.0.10/24 dev eth0
ip -n nested-esxi.vm0 link set dev eth0 up
ip -n nested-esxi.spy addr replace 192.168.0.66/24 dev eth0
ip -n nested-esxi.spy link set dev eth0 up
ip -n nested-esxi.esxi1 addr replace 192.168.0.21/24 dev vmk0
ip -n nested-esxi.esxi1 addr replace 10.9.9.21/24 dev vmk1
ip -n nested-esxi.esxi1.vSwitch0 link set dev vmnic0 up
ip -n nested-esxi.esxi1.vSwitch0 link set dev vmnic1 up
ip -n nested-esxi.esxi1.vSwitch0 link set dev esxi1 up
ip -n nested-esxi.esxi1.vSwitch0 link set dev esxi1-vmk1 up
ip -n nested-esxi.esxi1.vm1 addr replace 192.168.0.31/24 dev eth0
ip -n nested-esxi.esxi1.vm1 link set dev eth0 up
ip -n nested-esxi.esxi2 addr replace 192.168.0.22/24 dev vmk0
ip -n nested-esxi.esxi2 addr replace 10.9.9.22/24 dev vmk1
ip -n nested-esxi.esxi2.vSwitch0 link set dev vmnic0 up
ip -n nested-esxi.esxi2.vSwitch0 link set dev esxi2 up
ip -n nested-esxi.esxi2.vSwitch0 link set dev esxi2-vmk1 up
ip -n nested-esxi.esxi2.vm1 addr replace 192.168.0.32/24 dev eth0
ip -n nested-esxi.esxi2.vm1 link set dev eth0 up
ip -n nested-esxi.phys link set dev phys up
# dvs: a virtual switch, which labctl is itself; this script makes its ports, and nothing joins them (see "labctl switch run")
# esxi1.vSwitch0: a virtual switch, which labctl is itself; this script makes its ports, and nothing joins them (see "labctl switch run")
# esxi2.vSwitch0: a virtual switch, which labctl is itself; this script makes its ports, and nothing joins them (see "labctl switch run")
