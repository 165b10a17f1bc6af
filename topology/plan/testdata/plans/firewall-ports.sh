#!/bin/sh -e
# lab firewall-ports: every kernel change of "labctl up", in order
ip netns add firewall-ports.client
ip netns add firewall-ports.fw
ip netns add firewall-ports.web
ip netns exec firewall-ports.client sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec firewall-ports.client sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec firewall-ports.client sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec firewall-ports.client sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n firewall-ports.client link set dev lo up
ip netns exec firewall-ports.fw sysctl -qw net/ipv4/ip_forward=1 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=0 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec firewall-ports.fw sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec firewall-ports.fw sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec firewall-ports.fw sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n firewall-ports.fw link set dev lo up
ip netns exec firewall-ports.web sysctl -qw net/ipv4/ip_forward=0 net/ipv4/conf/all/rp_filter=0 net/ipv4/conf/default/rp_filter=0 net/ipv4/conf/all/accept_redirects=1 net/ipv4/conf/default/accept_redirects=1 net/ipv4/conf/all/send_redirects=1 net/ipv4/conf/default/send_redirects=1 net/ipv4/conf/all/secure_redirects=1 net/ipv4/conf/default/secure_redirects=1 net/ipv4/conf/all/shared_media=1 net/ipv4/conf/default/shared_media=1 net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/default/arp_ignore=0 net/ipv4/conf/all/arp_announce=0 net/ipv4/conf/default/arp_announce=0 net/ipv4/conf/all/arp_filter=0 net/ipv4/conf/default/arp_filter=0 net/ipv4/conf/all/arp_accept=0 net/ipv4/conf/default/arp_accept=0 net/ipv4/conf/all/proxy_arp=0 net/ipv4/conf/default/proxy_arp=0 net/ipv4/conf/all/accept_local=0 net/ipv4/conf/default/accept_local=0 net/ipv4/conf/all/log_martians=0 net/ipv4/conf/default/log_martians=0 net/ipv4/icmp_ratelimit=0 net/ipv4/icmp_ratemask=0
ip netns exec firewall-ports.web sysctl -qew net/ipv4/icmp_msgs_per_sec=100000 net/ipv4/icmp_msgs_burst=100000
ip netns exec firewall-ports.web sysctl -qw net/ipv4/icmp_echo_ignore_all=0 net/ipv4/icmp_echo_ignore_broadcasts=1
ip netns exec firewall-ports.web sysctl -qew net/bridge/bridge-nf-call-iptables=0 net/bridge/bridge-nf-call-ip6tables=0 net/bridge/bridge-nf-call-arptables=0 net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1
ip -n firewall-ports.web link set dev lo up
ip -n firewall-ports.client link add name eth0 up address 00:50:56:2c:ca:b4 mtu 1500 type veth peer name eth0 netns firewall-ports.fw address 00:50:56:10:cf:c1 mtu 1500
ip -n firewall-ports.fw link add name eth1 up address 00:50:56:10:c1:72 mtu 1500 type veth peer name eth0 netns firewall-ports.web address 00:50:56:39:77:ae mtu 1500
ip netns exec firewall-ports.client sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip netns exec firewall-ports.fw sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20 net/ipv4/neigh/eth1/retrans_time_ms=250 net/ipv4/neigh/eth1/proxy_delay=20
ip netns exec firewall-ports.web sysctl -qw net/ipv4/neigh/eth0/retrans_time_ms=250 net/ipv4/neigh/eth0/proxy_delay=20
ip -n firewall-ports.client addr replace 198.51.100.2/24 dev eth0
ip -n firewall-ports.fw addr replace 198.51.100.1/24 dev eth0
ip -n firewall-ports.fw link set dev eth0 up
ip -n firewall-ports.fw addr replace 10.0.0.1/24 dev eth1
ip -n firewall-ports.web addr replace 10.0.0.2/24 dev eth0
ip -n firewall-ports.web link set dev eth0 up
ip -n firewall-ports.client route add default via 198.51.100.1
ip -n firewall-ports.web route add default via 10.0.0.1
ip netns exec firewall-ports.fw nft -f - <<'END-OF-LABCTL-RULES'
table ip filter {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    tcp dport 80 counter accept comment "http"
    tcp dport 443 counter reject with tcp reset comment "https"
    tcp dport 25 counter reject with icmp type admin-prohibited comment "smtp"
    tcp dport 22 counter drop comment "ssh"
    udp dport 53 counter accept comment "dns"
    udp dport 123 counter reject comment "ntp"
  }
  chain published {
    type nat hook prerouting priority -100;
    ip daddr 198.51.100.1 tcp dport 8080 counter dnat to 10.0.0.2:80 comment "http-8080"
    ip daddr 198.51.100.1 udp dport 5353 counter dnat to 10.0.0.2:53 comment "dns-5353"
  }
}
END-OF-LABCTL-RULES
