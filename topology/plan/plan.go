// Package plan decides what the kernel is asked for: an ordered list of changes that turns nothing, or a running lab,
// into another lab, and what changes in words. Its text is a shell script of iproute2 commands. It touches nothing;
// topology/kernel carries it out.
package plan

import (
	"fmt"
	"strings"

	"labctl/topology/problem"
)

// Plan is an ordered list of kernel changes for one instance of a lab. Its text form is a shell script of iproute2
// commands that makes the same changes where labctl is not installed.
type Plan struct {
	Lab      string
	Instance string // namespaces are called <instance>.<node>
	Ops      []Op
	// the virtual switches of the lab: nodes whose ports are joined by labctl itself, not by the kernel
	Switches []string
}

// Namespace is the name of a node's namespace in this plan.
func (p *Plan) Namespace(node string) string { return p.Instance + "." + node }

// String is the plan as a script for "sh -e", run as root.
func (p *Plan) String() string {
	return fmt.Sprintf("#!/bin/sh -e\n# lab %s: every kernel change of \"labctl up\", in order\n", p.Lab) +
		strings.Join(p.Commands(), "\n") + "\n"
}

// Commands are the script's commands in order, each with the text that it reads, so that one may have several lines,
// and at the end a comment for each virtual switch. None ends with a newline.
func (p *Plan) Commands() []string {
	var out []string
	for i := 0; i < len(p.Ops); i++ {
		s, ok := p.Ops[i].(SetSysctl)
		if !ok {
			out = append(out, p.Ops[i].shell(p.Namespace))
			continue
		}
		n := p.sysctlRun(i)
		flag := "-qw"
		if s.Optional() {
			flag = "-qew"
		}
		line := "ip netns exec " + p.Namespace(s.Node) + " sysctl " + flag
		for _, op := range p.Ops[i : i+n] {
			o := op.(SetSysctl)
			line += " " + problem.ShellWord(o.Key+"="+o.Value)
		}
		out = append(out, line)
		i += n - 1
	}
	for _, s := range p.Switches {
		out = append(out,
			fmt.Sprintf("# %s: a virtual switch, which labctl is itself; this script makes its ports, and nothing "+
				"joins them (see \"labctl switch run\")", s))
	}
	return out
}

// sysctlRun counts the SetSysctls from i on that can be written by one command.
func (p *Plan) sysctlRun(i int) int {
	first := p.Ops[i].(SetSysctl)
	n := 1
	for ; i+n < len(p.Ops); n++ {
		o, ok := p.Ops[i+n].(SetSysctl)
		if !ok || o.Node != first.Node || o.Optional() != first.Optional() {
			break
		}
	}
	return n
}

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

func zeroOne(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
