package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/wire"
	"labctl/topology/cause"
	"labctl/topology/expect"
	"labctl/topology/labfile"
)

// The verbs are run against a supervisor that is none: it speaks the protocol (docs/architecture.md) and has its
// answers from here, in the words of the wire and not in the types of the client. What the verbs print is held to
// testdata/verbs; -update rewrites that.

const verbsLab = `format: 1
lab: demo
nodes:
  s1: {kind: bridge}
  v1: {kind: vswitch}
  a: {ip: [10.0.0.1/24, "2001:db8::1/64"]}
  b: {ip: 10.0.0.2/24}
  c: {ip: 10.0.0.3/24}
links: [a b -- s1, c -- v1]
expect:
  ping: |
    from\to  a   b       c
    a        -   ok      no-arp
    b        ok  -       no-arp
    c        ok  no-arp  -
steps:
  - {name: smaller packets, set: {a: {mtu: 1400}}, note: look at a}
  - name: nobody hears b
    set: {b: {mtu: 1300}}
    expect:
      ping: |
        from\to  b
        a        no-arp
`

const at = "2026-01-02T03:04:05.678901Z"

// said is what the supervisor of demo answers, line by line, the last one the result;
// "differs" is an older one's, which says no state. FILE and LAB are put in.
var said = map[string]string{
	"status": `{"result":{"lab":"LAB","nodes":5,"state":"running","pid":1,"file":"FILE"}}`,
	"inspect": `{"result":{"format":1,"lab":"LAB","state":"running","pid":1,"file":"FILE","nodes":[
		{"name":"s1","kind":"bridge","inode":7,"interfaces":[{"name":"a","mac":"02:00:00:00:00:01","addrs":[],"peer":"a:eth0","up":true,"state":"up","mtu":1500},{"name":"b","mac":"02:00:00:00:00:02","addrs":[],"peer":"b:eth0","up":false,"state":"down","mtu":9000}]},
		{"name":"a","kind":"host","netns":"demo.a","inode":8,"interfaces":[{"name":"eth0","mac":"02:00:00:00:00:0a","addrs":["10.0.0.1/24","2001:db8::1/64"],"peer":"s1:a","up":true,"state":"lowerlayerdown","mtu":1500}],
		 "died":[{"node":"a","what":"sh -c 'exit 3'","how":"exit status 3","output":"one\ntwo\u001b[2J","line":7}]},
		{"name":"n23456789-123456789-123456789-123456789-x","kind":"host","inode":9,"interfaces":[{"name":"e","mac":"02:00:00:00:00:0b","addrs":[],"up":true}]}]}}`,
	"neigh":  `{"result":[{"node":"a","addr":"10.0.0.2","mac":"02:00:00:00:00:0b","holder":"b","state":"REACHABLE","dev":"eth0"},{"node":"a","addr":"10.0.0.9","mac":"","holder":"","state":"FAILED","dev":"eth0"}]}`,
	"fdb":    `{"result":[{"switch":"s1","mac":"02:00:00:00:00:0a","holder":"a","port":"a"},{"switch":"v1","mac":"02:00:00:00:00:0c","holder":"c","port":"c","vlan":7,"how":"learned 3s ago"}]}`,
	"routes": `{"result":[{"node":"a","dst":"10.0.0.0/24","dev":"eth0","src":"10.0.0.1","protocol":"kernel","type":"unicast"}]}`,
	"rules":  `{"result":[{"node":"s1","set":"deny","loaded":true,"rule":"to-b","packets":3,"bytes":252,"text":"-A FORWARD -d 10.0.0.2 -j DROP"},{"node":"s1","set":"spare","loaded":false,"rule":"","text":"-A FORWARD -j ACCEPT"}]}`,
	"rulelog": `{"item":{"seq":1,"time":"` + at + `","node":"s1","rule":"deny/to-b","in":"a","out":"b","what":"10.0.0.1 > 10.0.0.2, ICMP echo request","length":84}}
{"result":{}}`,
	"ports": `{"result":[{"switch":"v1","port":"c","number":67108865,"group":"VM Network","vlan":"7","state":"blocked","why":"set by hand","initial":"02:00:00:00:00:0c","effective":"02:00:00:00:00:0d","promiscuous":"refused","uplink":false,
		"policy":{"promiscuous":{"value":"reject","from":"default"},"mac_changes":{"value":"accept","from":"group"},"forged_transmits":{"value":"reject","from":"port"}},"rx_frames":5,"rx_bytes":300,"tx_frames":0,"tx_bytes":0,"drops":{"ForgedTransmit":2,"PortBlocked":1},"overruns":4},
		{"switch":"v1","port":"up0","number":2,"vlan":"trunk","state":"forwarding","promiscuous":"-","uplink":true,"rx_frames":1,"rx_bytes":60,"tx_frames":1,"tx_bytes":60}]}`,
	"drops": `{"item":{"switch":"v1","seq":9,"time":"` + at + `","point":"Drop","reason":"ForgedTransmit","esxi_reason":"Forged transmit","function":"L2Sec_EnforcePortCompliance","port":"c","source":"c","number":67108865,"length":60,"offload":"TSO not enabled","what":"02:00:00:00:00:0e > 02:00:00:00:00:0a, RARP","data":"02000000000a02000000000e8035000102030405","lost":2}}
{"item":{"switch":"v1","seq":10,"time":"` + at + `","point":"Drop","reason":"MtuExceeded","function":"-","port":"up0","source":"c","number":67108865,"length":1514,"what":"longer than the port takes","data":""}}
{"result":{}}`,
	"events": `{"item":{"seq":1,"time":"` + at + `","lab":"LAB","kind":"changed","node":"a","new":"mtu 1400","cause":"set"}}
{"item":{"seq":2,"time":"` + at + `","lab":"LAB","kind":"mac_changed","node":"v1","object":"c","old":"02:00:00:00:00:0c","new":"02:00:00:00:00:0d"}}
{"result":{}}`,
	"watch": `{"event":{"what":"watching"}}
{"item":{"time":"` + at + `","node":"a","kind":"arp","object":"10.0.0.2","mac":"02:00:00:00:00:0b","holder":"b","state":"REACHABLE","dev":"eth0"}}
{"item":{"time":"` + at + `","node":"s1","kind":"fdb","object":"02:00:00:00:00:0a","mac":"02:00:00:00:00:0a","dev":"a","bridge":"s1","vlan":7,"gone":true}}
{"item":{"time":"` + at + `","kind":"lost","cause":"changes came faster than they were read"}}
{"result":{}}`,
	"ps":      `{"result":[{"name":"flood","kind":"stream","node":"a","what":"a -> b","state":"running"},{"name":"","kind":"run","node":"b","what":"nc -l 7\nnc -l 8","state":"exit status 1","said":"nc: no"}]}`,
	"send":    `{"result":{"frames":2,"from":"c:eth0","length":60,"data":"00","drops":[{"switch":"v1","seq":1,"time":"` + at + `","point":"Drop","reason":"PortBlocked","function":"-","port":"c","source":"c","number":67108865,"length":60,"what":"x","data":"ffff"}]}}`,
	"explain": `{"result":{"steps":["c is of group VM Network","forged transmits: reject"],"drop":"ForgedTransmit","hint":"labctl policy set v1:c forged_transmits=accept","fates":[{"port":"up0","delivered":false,"why":"dropped before","hint":"labctl policy set v1:c forged_transmits=accept"},{"port":"d","delivered":true,"why":"learned there"}]}}`,
	"differs": `{"result":{"lab":"LAB","file":"FILE","step":1,"outcomes":["differs"],"set":["b.mtu=1200"],"reset":[{"node":"b","what":"mtu 1500"}],"changes":[{"node":"a","what":"mtu 1500"},{"node":"b","what":"mtu 1500"}]}}`,
	"set":     `{"result":{"changes":[{"node":"a","what":"mtu 1400"}]}}`,
	"reset":   `{"result":{"changes":[]}}`,
	"capture": `{"item":{"places":[{"name":"v1:c","description":"port"}]}}
{"item":{"frames":[{"time":"` + at + `","name":"v1:c","point":"PortInput","verdict":"to up0","length":42,"data":"////////AgAAAAAMCAYAAQgABgQAAQIAAAAADAoAAAMAAAAAAAAKAAAB"}]}}
{"result":{"lost":{"v1:c":3}}}`,
}

// fake is a supervisor that has only answers.
type fake struct {
	t        *testing.T
	instance string
	greeting string
	says     func(method string, params json.RawMessage) string // the lines of an answer; "": none, it dies
}

func (f *fake) up(home, file string) {
	f.t.Helper()
	dir := filepath.Join(home, "labctl", f.instance)
	meta := fmt.Sprintf(`{"format":1,"instance":%q,"lab":"LAB","file":%q,"nodes":5,"version":"x"}`, f.instance, file)
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "meta.json"), []byte(meta), 0o600),
		os.WriteFile(filepath.Join(dir, "lab.yaml"), []byte(verbsLab), 0o600)); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { os.RemoveAll(dir) })
	if f.says == nil { // dead
		return
	}
	lock, err := os.Open(dir)
	if err == nil {
		err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { lock.Close() })
	l, err := net.Listen("unix", filepath.Join(dir, "sock"))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go f.answer(conn)
		}
	}()
}

func (f *fake) answer(conn net.Conn) {
	defer conn.Close()
	fmt.Fprintln(conn, f.greeting)
	line, err := bufio.NewReader(conn).ReadBytes('\n')
	var q struct {
		Method string
		Params json.RawMessage
	}
	if err != nil || json.Unmarshal(line, &q) != nil {
		return
	}
	for _, doc := range documents(f.t, f.says(q.Method, q.Params)) {
		fmt.Fprintf(conn, "%s\n", doc)
	}
}

// documents are the lines of an answer, each on one line.
func documents(t *testing.T, text string) (out []string) {
	dec := json.NewDecoder(strings.NewReader(text))
	for {
		var doc json.RawMessage
		if err := dec.Decode(&doc); err == io.EOF {
			return out
		} else if err != nil {
			t.Error("an answer of the test's own: ", err)
			return out
		}
		b, _ := json.Marshal(doc)
		out = append(out, string(b))
	}
}

var twoDrops = []cause.Cause{{Kind: cause.Dropped, Where: "v1:c", Rule: "ForgedTransmit", Sure: true, Frames: 2}}

// judged is what came of a table: all as the file says, but for cells of b.
func judged(e *expect.Expectation, differs bool) []any {
	var tables []any
	for _, t := range e.Tables {
		var cells []any
		for _, c := range t.Cells {
			v := map[string]any{"question": c.Question.String(), "judged": c.Judged, "ok": true, "want": c.Want.Text, "got": c.Want.Text, "rtt_us": 40, "line": c.Pos.Line, "col": c.Pos.Col}
			switch {
			case differs && c.Question.A == "b" && c.Question.B == "a":
				v["ok"], v["got"], v["detail"] = false, "timeout", "10.0.0.1 did not answer; refused by s1/deny/to-a"
			case c.Want.Text == "no-arp":
				v["why"], v["causes"] = "dropped: v1:c ForgedTransmit (2 frames)", twoDrops
			}
			cells = append(cells, v)
		}
		tables = append(tables, map[string]any{"kind": t.Kind, "line": t.Pos.Line, "cells": cells})
	}
	return tables
}

// answersOf is what the supervisor of demo says, whose file is file.
func answersOf(t *testing.T, instance, file string, differs bool) func(string, json.RawMessage) string {
	lab, problems := labfile.Load("lab.yaml", []byte(verbsLab))
	if lab == nil {
		t.Fatal(problems)
	}
	result := func(v any) string {
		b, err := json.Marshal(map[string]any{"result": v})
		if err != nil {
			t.Error(err)
		}
		return string(b)
	}
	return func(method string, params json.RawMessage) string {
		switch method {
		case "verify":
			return result(map[string]any{"steps": []any{map[string]any{"tables": judged(lab.Expect, differs)}}})
		case "step":
			if differs {
				return result(map[string]any{"done": 1, "total": 2, "steps": []any{map[string]any{"step": "smaller packets", "failed": "a: mtu 1400: no such device", "tables": []any{}}}})
			}
			return result(map[string]any{"done": 2, "total": 2, "ended": []string{"flood"},
				"steps": []any{map[string]any{"step": "nobody hears b", "tables": judged(lab.Steps[1].Expect, false)}}})
		case "ask":
			var p struct{ Questions []struct{ A, B string } }
			_ = json.Unmarshal(params, &p)
			var out []any
			for _, q := range p.Questions {
				v := map[string]any{"from": q.A, "to": q.B, "addr": "10.0.0." + string("1239"[max(0, strings.Index("abc", q.B))]), "outcome": "ok", "rtt_us": 41}
				if q.B == "c" {
					v["outcome"], v["detail"], v["why"], v["rtt_us"] = "no-arp", "nobody answered ARP; dropped: v1:c ForgedTransmit (2 frames)", "dropped: v1:c ForgedTransmit (2 frames)", 0
					v["causes"] = twoDrops
				}
				if differs {
					v["outcome"], v["detail"] = "unknown", "the machine's neighbour table was full meanwhile"
				}
				out = append(out, v)
			}
			return result(out)
		}
		if text, ok := said[method]; ok {
			return strings.NewReplacer("FILE", file, "LAB", instance).Replace(text)
		}
		return `{"error":{"class":"usage","message":"this supervisor does not know how to ` + method + `"}}`
	}
}

// verb runs one command line in this process and returns what a terminal would show.
func verb(t *testing.T, dir, home, line string) string {
	t.Helper()
	out, stdout, stderr := filepath.Join(t.TempDir(), "out"), os.Stdout, os.Stderr
	f, err := os.OpenFile(out, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600) // both in the order in which they come
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	os.Stdout, os.Stderr = f, f
	code := run(strings.Fields(line))
	os.Stdout, os.Stderr = stdout, stderr
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(strings.ReplaceAll(string(b), home+"/", "HOME/"), dir, "DIR")
	text = strings.ReplaceAll(text, "labctl ("+wire.Version()+")", "labctl (VERSION)")
	text = regexp.MustCompile(fmt.Sprintf(`\b%d\b`, os.Getpid())).ReplaceAllString(text, "PID")
	if line == "ls" { // its columns are as wide as the number
		text = regexp.MustCompile(`  +`).ReplaceAllString(text, "  ")
	}
	text = regexp.MustCompile(`, \d+\.\d s\n|edited since, at [-0-9: ]+`).ReplaceAllString(text, ", TIME\n")
	return fmt.Sprintf("$ labctl %s\n%s=> %d\n", line, text, code)
}

// golden holds what was printed to testdata/verbs.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join(verbsData, name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what the verbs print (go test ./cmd/labctl -update rewrites it):\n%s", path, difference(string(want), got))
	}
}

// difference shows the first line that differs.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d\nwant %s\ngot  %s", i+1, w[i], g[i])
		}
	}
	return fmt.Sprintf("want %d lines, got %d", len(w), len(g))
}

// verbsData is absolute, as the tests leave the folder.
var verbsData, _ = filepath.Abs("testdata/verbs")

// runHome is an empty place for run directories. Root's is /run for everybody, so root's test goes on in a process that
// has its own: then it is "".
func runHome(t *testing.T) (dir, home string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "verbs") // short: a socket's address has little room
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, e := range os.Environ() {
		if name, _, _ := strings.Cut(e, "="); strings.HasPrefix(name, "LABCTL_") || name == "GITHUB_ACTIONS" || name == "CI" {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	was := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = was })
	if os.Geteuid() != 0 {
		home = filepath.Join(dir, "run")
		if err := os.Mkdir(home, 0o700); err != nil {
			t.Fatal(err)
		}
		t.Setenv("XDG_RUNTIME_DIR", home)
		return dir, home
	}
	if os.Args[0] != privateRun {
		cmd := exec.Command("/proc/self/exe", append(os.Args[1:], "-test.run=^"+t.Name()+"$")...)
		cmd.Args[0] = privateRun
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS, Pdeathsig: unix.SIGKILL}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("with a private /run: %v\n%s", err, out)
		}
		return dir, ""
	}
	if err := errors.Join(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""), unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755")); err != nil {
		t.Fatal(err)
	}
	return dir, "/run"
}

// privateRun is the name of a test process that has a /run of its own.
const privateRun = "test-with-private-run"

const greets = `{"labctl":1,"version":"x"}`

// Each verb prints what a supervisor answers, as a table and as JSON, and ends with the exit code that the answer
// deserves.
func TestVerbs(t *testing.T) {
	dir, home := runHome(t)
	if home == "" {
		return
	}
	t.Chdir(dir)
	file := filepath.Join(dir, "lab.yaml")
	if err := os.WriteFile(file, []byte(verbsLab), 0o600); err != nil {
		t.Fatal(err)
	}
	both := func(lines ...string) (out []string) {
		for _, l := range lines {
			out = append(out, l, l+" -o json")
		}
		return out
	}
	group := func(name string, lines ...string) {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			for _, l := range lines {
				b.WriteString(verb(t, dir, home, l) + "\n")
			}
			golden(t, name, b.String())
		})
	}
	t.Run("nothing is up", func(t *testing.T) {
		group("none", append(both("ls"), "inspect", "inspect -l demo", "down", "down demo", "step", "verify -l demo", "plan -l demo", "exec a true",
			"events", "ls -o xml", "levitate", "help levitate", "ping a", "matrix a", "send a",
			"deploy -t x.yaml", "help destroy", "verfy", "policy", "link sett a:b", "ls --color pink", "step --all --list")...)
		group("help", "--help", "help ping", "policy --help", "verify -h")
		t.Run("down of nothing", func(t *testing.T) {
			if code := run([]string{"down", ""}); code != exitUsage {
				t.Errorf("exit code %d", code)
			}
		})
	})
	t.Run("killed before it began", func(t *testing.T) {
		if err := os.MkdirAll(filepath.Join(home, "labctl", "demo"), 0o700); err != nil {
			t.Fatal(err)
		}
		group("begun", "ls", "inspect -l demo", "set a.mtu=1400", "verify -l demo", "down demo", "ls")
	})
	t.Run("dead", func(t *testing.T) {
		(&fake{t: t, instance: "demo"}).up(home, file)
		group("dead", "ls", "inspect", "ps -l demo", "inspect -l dmo", "events", "verify demo")
	})
	t.Run("up", func(t *testing.T) {
		long := "l23456789-123456789-123456789-123456789x" // 40
		f := &fake{t: t, instance: "demo", greeting: greets, says: answersOf(t, "demo", file, false)}
		f.up(home, file)
		group("look", append(both("ls", "inspect", "neigh", "fdb a", "routes", "rules", "ports", "ps", "step --list", "plan -l demo", "explain v1:c --dst a"),
			"rules --loaded", "ls -o yaml", "fdb -o yaml")...)
		group("stream", append(both("drops", "events", "rules --log", "watch", "capture v1:c"), "drops --short", "events -o yaml")...)
		group("probe", append(both("ping a b", "ping a c", "matrix --no-timing", "verify demo --no-timing", "step", "send c --dst a --count 2", "set a.mtu=1400", "reset"),
			"ping a a", "ping a nobody", "ping a ff02::1", "matrix --probe sees --from a --to nobody", "link down a:eth0", "port block v1:c", "policy set v1 promiscuous=accept",
			"policy set v1 promiscuous", "explain v1 --dst a", "send c --dst a --count 0", "capture v1:c -c -1", "verify demo -j 0", "step --all --list",
			"verify demo demo --no-timing", "verify demo --quiet", "verify demo demo -q")...)
		(&fake{t: t, instance: long, greeting: greets, says: answersOf(t, long, "-", true)}).up(home, "-")
		group("two", "ls", "inspect", "ps -l "+long, "down", "matrix -l "+long, "ping a b -l "+long, "verify "+long+" --no-timing", "verify -q --no-timing demo "+long, "verify --no-timing demo "+long, "step -l "+long, "plan -l "+long, "down a b -l "+long)
	})
	t.Run("refusals", func(t *testing.T) {
		for _, k := range []struct{ name, greeting, says string }{
			{"usage", greets, `{"error":{"class":"usage","message":"no node \"x\" in lab demo; it has a, b"}}`},
			{"failed", greets, `{"error":{"class":"failed","message":"the lab is now neither what it was nor what was asked for"}}`},
			{"unsupported", greets, `{"error":{"class":"unsupported","message":"nft is not installed"}}`},
			{"going", greets, `{"error":{"class":"going","message":"demo is being taken down"}}`},
			{"newclass", greets, `{"error":{"class":"exotic","message":"of a class that is not known yet"}}`},
			{"dies", greets, ""},
			{"later", `{"labctl":2,"version":"9.9","colour":"green"}`, `{"result":{"format":2,"lab":"demo","state":"levitating","nodes":[]}}`},
			{"stranger", `SSH-2.0-OpenSSH_9.2`, ``},
		} {
			t.Run(k.name, func(t *testing.T) {
				(&fake{t: t, instance: "demo", greeting: k.greeting, says: func(string, json.RawMessage) string { return k.says }}).up(home, file)
				group("refused-"+k.name, "ls", "inspect", "ps", "matrix", "step", "set a.mtu=1", "events", "verify demo", "capture a", "plan -l demo")
			})
		}
	})
}
