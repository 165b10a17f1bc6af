package shape

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite testdata")

// golden are shapes whose whole text is in testdata.
var golden = []string{
	"single,2", "single,3", "single,50", "single,300",
	"linear", "linear,4", "linear,3,2", "linear,20,9", "linear,1,3",
	"tree", "tree,2,3", "tree,3,2", "tree,4,3",
	"ring,3", "ring,4", "ring,12,2",
	"torus,3,3", "torus,4,8,2",
}

func TestGolden(t *testing.T) {
	for _, word := range golden {
		s, err := Parse(word)
		if err != nil {
			t.Fatal(word, err)
		}
		path := filepath.Join("testdata", strings.ReplaceAll(word, ",", "-")+".yaml")
		got := s.File("office-net")
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s: not as in %s:\n%s", word, path, got)
		}
	}
}

// What is refused says what would be right.
func TestRefused(t *testing.T) {
	for _, c := range []struct{ word, want string }{
		{"", `there is no shape ""; there are single[,HOSTS], linear[,BRIDGES[,HOSTS]], tree[,DEPTH[,FANOUT]], ring,BRIDGES[,HOSTS] or torus,X,Y[,HOSTS]`},
		{"tre,2,3", `there is no shape "tre"; did you mean "tree"?`},
		{"fattree,4", `there is no shape "fattree"; there are single`},
		{"single,1", "HOSTS is 1, want at least 2: a host alone reaches nobody"},
		{"single,1001", "HOSTS is 1001, want at most 1000"},
		{"single,99999999999999999999", `"99999999999999999999" is not a whole number; want single[,HOSTS]`},
		{"linear,1", "that is one host, who reaches nobody; want at least 2"},
		{"linear,0", "BRIDGES is 0, want at least 1"},
		{"linear,2,0", "HOSTS is 0, want at least 1"},
		{"linear,-2", "BRIDGES is -2, want at least 1"},
		{"linear,2,2,2", "3 numbers after linear, and it takes 2; want linear[,BRIDGES[,HOSTS]]"},
		{"linear,", `"" is not a whole number; want linear[,BRIDGES[,HOSTS]]`},
		{"linear,+2", `"+2" is not a whole number`},
		{"linear,2 ", `"2 " is not a whole number`},
		{"linear,600,2", "that is more than 1000 hosts; want smaller numbers, such as linear,500,2"},
		{"tree,9,9", "that is more than 1000 hosts; want smaller numbers, such as tree,3,9"},
		{"tree,1000,1000", "that is more than 1000 hosts; want smaller numbers, such as tree,1,1000"},
		{"tree,1000,1", "that is one host, who reaches nobody"},
		{"ring", "BRIDGES is missing; want ring,BRIDGES[,HOSTS]"},
		{"ring,2", "BRIDGES is 2, want at least 3: two bridges would have two cables between them, and make no ring"},
		{"torus", "X is missing; want torus,X,Y[,HOSTS]"},
		{"torus,3", "Y is missing; want torus,X,Y[,HOSTS]"},
		{"torus,2,2", "X is 2, want at least 3: two bridges"},
		{"torus,3,2", "Y is 2, want at least 3: two bridges"},
		{"torus,100,100", "that is more than 1000 hosts; want smaller numbers, such as torus,10,100,1"},
	} {
		_, err := Parse(c.word)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.word, err, c.want)
		}
	}
	for _, n := range []int{-1, 0, 1, MaxHosts + 1, 70000} {
		if _, err := Hosts(n); err == nil || err.Error() != "want 2 to 1000 hosts" {
			t.Errorf("%d hosts: %v", n, err)
		}
	}
}

// Nodes and cables as Mininet's classes of these names make them (mininet/topo.py, mininet/topolib.py).
func TestAsMininet(t *testing.T) {
	for _, c := range []struct {
		word           string
		bridges, hosts int
		cables         int
		some           []string // "from to"
	}{
		{"single,3", 1, 3, 3, []string{"h3 s1"}},
		{"linear,3", 3, 3, 5, []string{"h2 s2", "s1 s2", "s2 s3"}},
		{"linear,3,2", 3, 6, 8, []string{"h1s2 s2", "h2s2 s2", "s2 s3"}},
		{"tree,2,3", 4, 9, 12, []string{"s2 s1", "s4 s1", "h1 s2", "h4 s3", "h9 s4"}},
		{"tree,3,2", 7, 8, 14, []string{"s5 s1", "s3 s2", "s6 s5", "h5 s6"}},
		{"torus,3,3", 9, 9, 27, []string{"h2x3 s2x3", "s1x2 s1x1", "s2x1 s1x1", "s1x1 s1x3", "s1x1 s3x1"}},
		{"torus,3,4,2", 12, 24, 48, []string{"h3x4x2 s3x4"}},
		{"ring,5", 5, 5, 10, []string{"s1 s2", "s5 s1"}},
	} {
		s, err := Parse(c.word)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, k := range s.cables {
			for _, from := range k.from {
				all = append(all, from+" "+k.to)
			}
		}
		if len(s.bridges) != c.bridges || len(s.hosts) != c.hosts || len(all) != c.cables {
			t.Errorf("%s: %d bridges, %d hosts, %d cables", c.word, len(s.bridges), len(s.hosts), len(all))
		}
		for _, k := range c.some {
			if !slices.Contains(all, k) {
				t.Errorf("%s: no cable %s in %v", c.word, k, all)
			}
		}
	}
}

// The smallest network with an address for every host, of which none is its first or last one.
func TestNetwork(t *testing.T) {
	for hosts, want := range map[int]string{2: "10.0.0.0/24", 254: "10.0.0.0/24", 255: "10.0.0.0/23", 510: "10.0.0.0/23", 511: "10.0.0.0/22", 1000: "10.0.0.0/22"} {
		s, err := Hosts(hosts)
		if err != nil {
			t.Fatal(err)
		}
		last := s.address(hosts - 1)
		if s.network().String() != want || last.Masked() != s.network() || s.network().Contains(last.Addr().Next()) == false {
			t.Errorf("%d hosts: %s, and the last one has %s", hosts, s.network(), last)
		}
	}
}

// The times keep to IEEE 802.1D, and leave every bridge in a row a second.
func TestTreeTimes(t *testing.T) {
	for row := 1; row <= maxRow; row++ {
		delay, age := treeTimes(row)
		if 2*(delay-time.Second) < age || age < time.Duration(row)*time.Second || delay < 4*time.Second || delay > 30*time.Second || age < 6*time.Second || age > 40*time.Second {
			t.Errorf("%d bridges: forward_delay %s, max_age %s", row, delay, age)
		}
	}
	s, err := Parse("ring,40")
	if err != nil || s.row != maxRow {
		t.Error(err)
	}
	if _, err := Parse("ring,41"); err == nil || !strings.HasPrefix(err.Error(), "40 bridges would follow each other") {
		t.Error(err)
	}
}

// Drawings stay within a page, whatever the size.
func TestDrawingsFit(t *testing.T) {
	for _, word := range []string{"single,1000", "linear,1000", "linear,2,500", "tree,9,2", "tree,3,10", "tree,1,1000", "tree,2,31", "ring,40", "ring,40,25", "torus,30,33", "torus,3,70"} {
		s, err := Parse(word)
		if err != nil {
			t.Fatal(err)
		}
		lines := s.kind.draw(s)
		if len(lines) > 24 {
			t.Errorf("%s: %d lines", word, len(lines))
		}
		for _, l := range lines {
			if columnsOf(l) > 110 {
				t.Errorf("%s: %q", word, l)
			}
		}
	}
}
