// Package pcap writes captured frames down: as a pcapng file, and in a line each.
package pcap
