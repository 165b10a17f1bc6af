package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// modelled runs verify --model, and returns what it printed and its error.
func modelled(t *testing.T, args ...string) (string, error) {
	t.Helper()
	root := newRoot()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(append([]string{"verify", "--model", "--no-timing"}, args...))
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

// labOf writes a lab with that rule in one of two hosts, and what is expected of it.
func labOf(t *testing.T, rule, want string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lab.yaml")
	text := "format: 1\nlab: two\nnodes:\n  a: {ip: 10.0.0.1/24}\n  b:\n    ip: 10.0.0.2/24\n    rules: {r: {iptables: \"" + rule +
		"\"}}\nlinks: [a -- b]\nexpect: {ping: " + want + "}\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// A report of the model says so in its first line, in JSON and in JUnit; what is undecided is counted, is not a
// difference, and gives an exit code of its own.
func TestTheModelSaysThatItIsOne(t *testing.T) {
	const (
		read   = "-A INPUT -p icmp -j DROP"
		unread = "-A INPUT -p icmp -m limit --limit 1/s -j ACCEPT"
	)
	for _, c := range []struct {
		name, rule, want string
		args             []string
		code             int
		differ, undec    int
	}{
		{"as expected", read, "silent", nil, exitYes, 0, 0},
		{"differing", read, "ok", nil, exitNo, 2, 0},
		{"undecided", unread, "ok", nil, exitUnsupported, 0, 2},
		{"undecided and required", unread, "ok", []string{"--require"}, exitNo, 0, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			path, report := labOf(t, c.rule, c.want), filepath.Join(t.TempDir(), "junit.xml")
			out, err := modelled(t, append(c.args, "--junit", report, path)...)
			if code := codeOf(err); code != c.code || !strings.HasPrefix(out, byTheModel+"\n") {
				t.Errorf("exit code %d (%v), want %d\n%s", code, err, c.code, out)
			}
			if c.undec > 0 && !strings.Contains(out, "# a -> b, b -> a: undecided: rules: b has a rule") {
				t.Errorf("no reason:\n%s", out)
			}
			if x, err := os.ReadFile(report); err != nil || !bytes.Contains(x, []byte(`name="labctl verify --model"`)) ||
				!bytes.Contains(x, []byte(`<property name="by" value="model"`)) || bytes.Count(x, []byte("<skipped")) != c.undec {
				t.Errorf("%v\n%s", err, x)
			}
			out, _ = modelled(t, append(c.args, "-o", "json", path)...)
			var doc verifyDoc
			if err := json.Unmarshal([]byte(out), &doc); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if doc.By != "model" || doc.Differ != c.differ || doc.Undecided != c.undec || doc.OK != (c.code == exitYes) {
				t.Errorf("%+v", doc)
			}
		})
	}
}

// What is about a lab in the kernel makes no sense without one.
func TestTheModelRefusesWhatItCannotDo(t *testing.T) {
	path := labOf(t, "-A INPUT -p icmp -j DROP", "ok")
	for _, flag := range []string{"--update", "--keep", "--new", "--timing"} {
		if out, err := modelled(t, flag, path); codeOf(err) != exitUsage || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: %v\n%s", flag, err, out)
		}
	}
}

// codeOf is the exit code that an error gives.
func codeOf(err error) int { return report(err, context.Background()) }
