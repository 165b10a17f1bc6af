package labfile

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// readyTimeout is how long a command may take to be ready if the file does not say it.
const readyTimeout = 10 * time.Second

var readyRE = regexp.MustCompile(`^((tcp|udp):[1-9][0-9]{0,4}|file:[^\n]+|sh:[\s\S]*\S[\s\S]*)$`)

// parseReady reads a condition, without its timeout.
func parseReady(s string) (r topology.Ready, ok bool) {
	r.Kind, r.Arg, _ = strings.Cut(s, ":")
	if !readyRE.MatchString(s) {
		return topology.Ready{}, false
	}
	if r.Kind == "tcp" || r.Kind == "udp" {
		r.Port, _ = strconv.Atoi(r.Arg)
		r.Arg = ""
		return r, r.Port < 1<<16
	}
	return r, true
}

// readyText says why s is not a condition.
func readyText(s string) string {
	if _, ok := parseReady(s); !ok {
		return fmt.Sprintf("%q is not something to wait for; want tcp:PORT or udp:PORT with a port from 1 to 65535, "+
			"file:PATH or sh:COMMAND",
			problem.Clip(s))
	}
	return ""
}

// readyKeys are beside "background".
func readyKeys() []grammar.Key {
	return []grammar.Key{
		{Name: "ready", Needs: []string{"background"}, Shape: &grammar.Shape{Form: grammar.Text,
			Want: "tcp:PORT, udp:PORT, file:PATH or sh:COMMAND", Test: readyText, RE: readyRE,
			Doc: "the lab waits until a socket listens in the node, a file is there, " +
				"or a command in the node exits 0"}},
		{Name: "timeout", Needs: []string{"ready"},
			Shape: grammar.Duration("of ready, from the start of the command; 10s if not given")},
	}
}

// readReady reads the two keys of a command.
func readReady(command grammar.Value) topology.Ready {
	v := command.Field("ready")
	if !v.Given() {
		return topology.Ready{}
	}
	r, _ := parseReady(v.Text(""))
	t := command.Field("timeout")
	r.Timeout = t.Duration(readyTimeout)
	if t.Given() && r.Timeout == 0 {
		t.Errorf("nothing is ready within 0s; want a longer time")
	}
	if command.Field("background").Word() == "false" {
		v.Key().Errorf("only a command in the background is waited for like this; one that is not has ended when the " +
			"next " +
			"one begins")
	}
	return r
}

// runKey is "run" of a node.
func runKey() grammar.Key {
	run := &grammar.Shape{Form: grammar.Either, Want: "a command or {sh, background, ready, timeout}",
		Any: []*grammar.Shape{
			grammar.AnyText("a command"),
			{Form: grammar.Object, Want: "{sh, background, ready, timeout}", Keys: append([]grammar.Key{
				{Name: "sh", Must: true, Shape: grammar.AnyText("a command")},
				{Name: "background", Shape: grammar.YesNo("a server: it goes on while the lab does")}},
				readyKeys()...)}}}
	return grammar.Key{Name: "run", Shape: &grammar.Shape{Form: grammar.List, Want: "a list of commands", Of: run,
		Instead: runInstead,
		Doc:     "commands at start-up, in order; each must exit 0"}}
}

// runInstead writes a single command as a list.
func runInstead(v grammar.Value) string {
	word := v.Word()
	if word == "" || v.IsNull() || strings.Contains(word, "\n") {
		return ""
	}
	if strings.ContainsAny(word, ",[]{}:#&*!|>'\"%@`") { // which YAML could take for its own
		word = "'" + strings.ReplaceAll(word, "'", "''") + "'"
	}
	return `want a list of commands; write "run: [` + word + `]"`
}

// readRun reads the commands of a node.
func readRun(s *nodeDecl, n *topology.Node) {
	for _, v := range s.value.Field("run").Items() {
		c := topology.Command{Pos: v.Pos()}
		if v.IsSingle() {
			c.Sh = v.Word()
		} else {
			c.Sh, c.Background = v.Field("sh").Text(""), v.Field("background").Bool(false)
			c.Ready = readReady(v)
		}
		n.Run = append(n.Run, c)
	}
}
