package rules

import (
	"strings"
	"testing"
)

// Every spelling that getopt_long(3) takes for a refused option is refused, and no other word is.
func TestOptionsInEverySpelling(t *testing.T) {
	with := func(words ...string) *Line { return &Line{Args: append([]string{"-A", "INPUT"}, words...)} }
	why := func(l *Line) string {
		for _, o := range l.parsed() {
			if text := refusedOption(o); text != "" {
				return text
			}
		}
		return ""
	}
	refusedLetters := "MVhFXZDRELSCAINP"
	for _, letter := range []byte(refusedLetters) {
		short := "-" + string(letter)
		spelled := []string{short, short + "x", "-v" + short[1:], "-nv4" + short[1:] + "/tmp/m.sh"}
		for long, its := range xtLong {
			if its != letter {
				continue
			}
			for n := 1; n <= len(long); n++ {
				if xtLongLetter(long[:n]) == letter {
					spelled = append(spelled, "--"+long[:n], "--"+long[:n]+"=x")
				}
			}
		}
		if len(spelled) < 6 {
			t.Errorf("%s has no long spelling", short)
		}
		for _, s := range spelled {
			for _, l := range []*Line{with(s, "/tmp/m.sh", "-j", "DROP"), with("-j", "DROP", s, "INPUT", "1"), with("-p", "tcp", "--syn", s), with("-m", "limit", s)} {
				if why(l) == "" {
					t.Errorf("%q is taken", l.Args)
				}
			}
		}
	}
	for _, abbreviated := range []string{"--mo", "--modp", "--fl", "--delete", "--delete-", "--ren"} {
		if why(with(abbreviated, "x")) == "" {
			t.Errorf("%s is taken", abbreviated)
		}
	}
	for _, line := range []string{"-j DROP", "-jDROP", "-vjDROP", "-p tcp --dport 22 -m comment --comment -F -j ACCEPT", "-m policy --pol ipsec --dir in -j DROP",
		"-m recent --set --name M -j DROP", "-s 10.0.0.1 -d 10.0.0.2 -i eth0 -o eth1 -f -j DROP", "-m mark --mark 1 -m statistic --mode nth --every 2",
		"-m string --string -M --algo bm -j DROP", "-c 1 2 -j DROP", "-m connlimit --connlimit-above 3", "! -i eth0 -j NFLOG --nflog-prefix -X"} {
		if text := why(with(strings.Fields(line)...)); text != "" {
			t.Errorf("%s: %s", line, text)
		}
	}
}

// The target of a rule is found however it is written.
func TestTargetsInEverySpelling(t *testing.T) {
	for _, spelled := range []string{"-j DROP", "-jDROP", "-vj DROP", "-nvjDROP", "--jump DROP", "--jump=DROP", "--ju DROP", "--j=DROP"} {
		l := &Line{Args: append([]string{"-A", "INPUT"}, strings.Fields(spelled)...)}
		if o := l.options('j'); len(o) != 1 || o[0].value != "DROP" || l.target() != "DROP" {
			t.Errorf("%s: %+v, target %q", spelled, o, l.target())
		}
	}
}
