// Package trial tries things out on this machine, in namespaces that are gone afterwards: what the kernel has that labs
// need, and what nft and iptables say of a file's rules.
package trial
