package main

import (
	"github.com/spf13/cobra"

	"labctl/topology/problem"
)

// triedVerb is what people try who know other tools, and what they are looking for.
type triedVerb struct {
	words   []string
	to      string // the purpose
	instead string
}

// triedVerbs lead from the verbs of docker compose, containerlab, terraform, kubectl, vagrant, mininet and iproute2 to
// those of labctl. None of them is an alias: who knows labctl could not read a script with one of them.
var triedVerbs = []triedVerb{
	{[]string{"deploy", "create", "run", "start", "build", "launch", "topo"}, "build a lab", "labctl up FILE"},
	{[]string{"apply", "update", "upgrade", "sync"}, "make a running lab what its file says", "labctl up FILE"},
	{[]string{"redeploy", "restart", "reload", "rebuild", "recreate"},
		"build a lab again from nothing", "labctl up --reset FILE"},
	{[]string{"destroy", "stop", "rm", "delete", "remove", "kill", "halt", "undeploy", "teardown", "exit"},
		"take a lab down", "labctl down LAB"},
	{[]string{"clean", "cleanup", "prune"}, "take every lab of yours down", "labctl down --all"},
	{[]string{"status", "list"}, "list the labs that are up", "labctl ls"},
	{[]string{"get", "describe", "show", "dump", "nodes", "net", "links", "interfaces", "ifconfig", "ip", "addr",
		"intfs", "graph"}, "see a lab's nodes, interfaces and cables", "labctl inspect"},
	{[]string{"top", "processes"}, "see what runs in a lab's nodes", "labctl ps"},
	{[]string{"arp", "neighbours", "neighbors"}, "see neighbour tables", "labctl neigh"},
	{[]string{"mac", "macs", "bridge"}, "see forwarding tables", "labctl fdb"},
	{[]string{"route"}, "see routes", "labctl routes"},
	{[]string{"iptables", "nft", "firewall"}, "see rules and their counters", "labctl rules"},
	{[]string{"logs", "log", "history"}, "see what happened in a lab", "labctl events"},
	{[]string{"follow", "monitor"}, "see changes as they happen", "labctl watch"},
	{[]string{"tcpdump", "sniff", "dumpcap", "wireshark", "pktcap-uw"}, "see frames", "labctl capture NODE"},
	{[]string{"trace", "why"}, "ask a virtual switch what it does with a frame",
		"labctl explain SWITCH:PORT --dst NODE"},
	{[]string{"attach", "connect", "ssh", "console", "enter", "login", "xterm", "bash", "sh"},
		"open a shell in a node", "labctl shell NODE"},
	{[]string{"test", "judge", "assert"}, "judge a lab against the tables in its file", "labctl verify FILE"},
	{[]string{"check", "lint"}, "check a lab file", "labctl validate FILE"},
	{[]string{"pingall", "pingpair", "reachability"}, "ping every node from every other", "labctl matrix"},
	{[]string{"save", "diff", "refresh"}, "see how a running lab differs from its file", "labctl plan -l LAB"},
	{[]string{"config", "export", "render"}, "see what a lab is built of", "labctl plan FILE"},
	{[]string{"new", "generate"}, "write a lab file", "labctl init FILE"},
	{[]string{"examples", "templates", "images", "topologies"}, "list the labs that come with labctl", "labctl labs"},
	{[]string{"edit", "configure"}, "change a running lab", "labctl set NODE.key=value"},
	{[]string{"next", "play"}, "walk through the steps of a lab's file", "labctl step"},
	{[]string{"install", "setup", "info", "diagnose"}, "see what this machine lacks", "labctl doctor"},
}

// errorf is the one line that leads to the right verb.
func (v triedVerb) errorf(word string) error {
	return usagef("there is no verb %s; to %s: %s", problem.Visible(word, false), v.to, v.instead)
}

// triedCommands refuse the verbs that people try. They are commands, so that what follows one, flags of another tool
// too, is not looked at.
func triedCommands() (list []*cobra.Command) {
	for _, v := range triedVerbs {
		for _, word := range v.words {
			list = append(list, &cobra.Command{Use: word, Hidden: true, DisableFlagParsing: true,
				RunE: func(*cobra.Command, []string) error { return v.errorf(word) }})
		}
	}
	return list
}
