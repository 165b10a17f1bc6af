package expect

import (
	"slices"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		want string
		yes  []string
		no   []string
	}{
		{"ok", []string{"ok"}, []string{"ok+dup", "silent", "unknown", "", "okay"}},
		{"ok|silent", []string{"ok", "silent"}, []string{"ok|silent", "no-arp"}},
		{"ok*", []string{"ok", "ok+dup", "ok+dup+redirect", "ok+dup+other+redirect"}, []string{"silent", "unknown"}},
		{"ok+other", []string{"ok+other"}, []string{"ok", "ok+dup+other"}},
		{"ok+redirect+other+dup", []string{"ok+dup+other+redirect"}, []string{"ok+dup+redirect"}},
		{"ok+redirect+dup", []string{"ok+dup+redirect", "ok+redirect+dup"}, []string{"ok", "ok+dup"}},
		{"icmp:*", []string{"icmp:redirect@rt"}, []string{"ok", "silent"}},
		{"icmp:host*", []string{"icmp:host-unreachable@rt"}, []string{"icmp:net-unreachable@rt"}},
		{"x", []string{"no-route", "no-arp", "silent", "icmp:redirect@rt"}, []string{"ok", "ok+dup", "ok+other", "unknown", ""}},
		{"x|ok", []string{"ok", "silent"}, []string{"ok+dup", "unknown"}},
		{"nlb2+nlb1", []string{"nlb1+nlb2"}, []string{"nlb1", "nlb1+nlb2+nlb3"}},
		{"host", []string{"host", "host:br0"}, []string{"hos", "host2", "host2:br0"}},
		{"host:br0", []string{"host:br0"}, []string{"host", "host:br1"}},
		{"b+host", []string{"b+host", "host:br0+b"}, []string{"b", "host"}},
		{"-", []string{"-"}, []string{"failed"}},
		{"unknown", nil, []string{"unknown", "unknown+dup", "ok"}},
		{"un*", nil, []string{"unknown"}},
		{".", nil, []string{"ok", "unknown", ""}},
	} {
		for _, got := range tt.yes {
			if !(Want{tt.want}).Match(got) {
				t.Errorf("%q does not want %q", tt.want, got)
			}
		}
		for _, got := range tt.no {
			if (Want{tt.want}).Match(got) {
				t.Errorf("%q wants %q", tt.want, got)
			}
		}
	}
}

// TestEveryWordIsReadMeasuredAndExplained: each fixed word and each ICMP name may be in a cell, matches itself, and
// has a line in the legend.
func TestEveryWordIsReadMeasuredAndExplained(t *testing.T) {
	g := newVocabulary(richLab())
	words := map[string][]string{}
	for _, k := range kinds {
		if !k.OfStep {
			words[k.Name] = slices.Clone(k.words)
		}
	}
	for _, e := range icmpTypes {
		kind := "ping"
		if e.v6 {
			kind = "ping6"
		}
		if got := ICMPWord(e.v6, e.typ, e.code); got != e.name {
			t.Errorf("ICMP %d/%d is called %s, not %s", e.typ, e.code, got, e.name)
		}
		words[kind] = append(words[kind], "icmp:"+e.name+"@rt")
	}
	words["ping"] = append(words["ping"], "icmp:"+ICMPWord(false, 3, 200)+"@10.9.9.9")
	for kind, list := range words {
		for _, w := range list {
			if w == "-" && kind == "ping" {
				continue
			}
			if msg := g.cell(Question{Kind: kind}, w); msg != "" {
				t.Errorf("%s %s: %s", kind, w, msg)
			}
			if w != "unknown" && w != "x" && !(Want{w}).Match(w) {
				t.Errorf("%s: %s does not match itself", kind, w)
			}
			if l := Legend(kind, []string{w}); l == "" || strings.Contains(l, "no word") {
				t.Errorf("%s: no legend for %s: %q", kind, w, l)
			}
		}
	}
	for _, k := range kinds {
		if k.Doc == "" || k.head() == "" || !k.OfStep && (k.words == nil || !k.Pairs && k.form == "") {
			t.Errorf("kind %s has no words, no question, or nothing for editors", k.Name)
		}
	}
}

func TestQuestionRoundTrip(t *testing.T) {
	for _, s := range []string{"ping:h0->h2", "ping6:a.b->c:eth0", "answers:A->B", "arp:A->cluster", "route:A-->B",
		"sees:A->B@X:eth0", "sees:talk@X", "fdb:A:eth0@SW:br0",
		"port:dvs:p1@state", "port:h0:eth0@promiscuity", "drops:dvs", "drops:dvs:p1", "drops:dvs@MacForgery", "streams:chat", "hits:a.b/deny/to-x", "hits:a/deny/7",
		"drops:dvs:p1@MacForgery,function=L2Sec_FilterSrcMACForgeries,length=60,src=00:11:22:33:44:55,dst=ff:ff:ff:ff:ff:ff"} {
		q, err := ParseQuestion(s)
		if err != nil || q.String() != s {
			t.Errorf("%q: %+v, %v", s, q, err)
		}
	}
	for _, s := range []string{"", "ping", "ping:", "ping:a", "ping:->b", "ping:a->", "pong:a->b", "sees:a->b", "sees:@x", "sees:a->@x",
		"sees:->b@x", "fdb:a", "fdb:@s", "fdb:a@", "ping:a ->b", "port:sw:p", "port:@state", "drops:", "drops:sw@",
		"drops:sw@MacForgery,", "drops:sw@MacForgery,src", "drops:sw@MacForgery,port=1", "drops:sw@MacForgery,dst=a,src=b", "drops:sw@,src=a,src=b", "streams:", "hits:a/b", "hits:a/b/", "hits:a/b/c/d"} {
		if q, err := ParseQuestion(s); err == nil {
			t.Errorf("%q: %+v, want an error", s, q)
		}
	}
}
