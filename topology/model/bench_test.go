package model_test

import (
	"fmt"
	"strings"
	"testing"

	"labctl/labs"
	"labctl/topology/labfile"
	"labctl/topology/model"
)

// hosts is a lab of so many hosts on a bridge that ping each other.
func hosts(t testing.TB, n int) *labfile.File {
	t.Helper()
	var b strings.Builder
	b.WriteString("format: 1\nlab: hosts\nnodes:\n  s: {kind: bridge}\n")
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("h%d", i))
		fmt.Fprintf(&b, "  h%d: {ip: 10.0.%d.%d/16}\n", i, i/200, 1+i%200)
	}
	fmt.Fprintf(&b, "links:\n  - %s -- s\nexpect: {ping: ok}\n", strings.Join(names, " "))
	f, problems := labfile.Load("hosts.yaml", []byte(b.String()))
	if f == nil {
		t.Fatal(problems)
	}
	return f
}

// verified walks through a file.
func verified(t testing.TB, f *labfile.File) {
	t.Helper()
	steps, err := model.Verify(f, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range steps {
		if text := differing(s.Tables); text != "" {
			t.Fatal(text)
		}
	}
}

func benchmarkHosts(b *testing.B, n int) {
	f := hosts(b, n)
	for b.Loop() {
		verified(b, f)
	}
}

// BenchmarkMatrix20 is to take 50 ms at most, BenchmarkMatrix100 3 s, and BenchmarkShipped 2 s.
func BenchmarkMatrix20(b *testing.B)  { benchmarkHosts(b, 20) }
func BenchmarkMatrix100(b *testing.B) { benchmarkHosts(b, 100) }

func BenchmarkShipped(b *testing.B) {
	for b.Loop() {
		for _, name := range labs.Names() {
			src, err := labs.Read(name)
			if err != nil {
				b.Fatal(err)
			}
			f, problems := labfile.Load(name, src)
			if f == nil {
				b.Fatal(problems)
			}
			verified(b, f)
		}
	}
}
