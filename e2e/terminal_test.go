package e2e

import (
	"bufio"
	"context"
	"strings"
	"unicode"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// What a terminal would act upon.
const escape = "\x1b]0;owned\x07\u009b2J\u202e\x9b"

// shows expects text to have the escape, in letters only.
func shows(text string) {
	GinkgoHelper()
	Expect(text).To(ContainSubstring(`owned`))
	for _, r := range text {
		Expect(r == '\n' || r == '\t' || unicode.IsPrint(r)).To(BeTrue(), "%q in %q", r, text)
	}
}

var _ = Describe("text from files and nodes", func() {
	It("never reaches the terminal raw", func() {
		file := write("raw.yaml", strings.Replace(star("raw", 2), "format: 1\n", "format: 1\nabout: \"\\e]0;owned\\a\"\n", 1))
		for _, args := range [][]string{{"validate", file}, {"verify", file}, {"up", file}, {"plan", file}, {"up", escape}, {"ping", "-l", escape, "a", "b"}, {escape}, {"labs", escape}} {
			r := labctl(args...)
			Expect(r).To(Exit(2))
			shows(r.err)
		}

		up(write("two.yaml", star("two", 2)+"steps:\n  - name: fails\n    do: [{run: {node: h1, sh: \"printf '\\\\033]0;owned\\\\007' >&2; exit 3\"}}]\n"))
		shows(labctl("ping", "h1", escape).err)
		shows(labctl("set", "h1."+escape+"=1").err)
		r := labctl("step")
		shows(r.out + r.err)
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		cmd := command(ctx, "exec", "h1", "--", "sh", "-c", "echo ready; sleep 60 & wait # "+escape)
		out, err := cmd.StdoutPipe()
		Expect(err).NotTo(HaveOccurred())
		Expect(cmd.Start()).To(Succeed())
		defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
		Expect(bufio.NewReader(out).ReadString('\n')).To(Equal("ready\n"))
		shows(labctl("ps").out + "owned") // root's exec is not the lab's own
		shows(labctl("ps", "-o", "json").out + "owned")
		r = labctl("down")
		Expect(r).To(Exit(3))
		shows(r.err)
		shows(labctl("events").out + "owned")
	})
})
