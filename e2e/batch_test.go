package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// All labs of the suite are verified by one command when the first of them is asked for, two at a time: they mostly
// wait, and machines that test have few processors. A suite that is told to focus, or that runs in several processes,
// verifies each by itself.
const (
	atOnce     = "2"
	batchLimit = 15 * time.Minute
)

// batched is what that one command said, by argument.
type batched struct {
	run result
	of  map[string]verification
}

var batch = sync.OnceValue(func() batched {
	var args []string
	for _, f := range labFiles() {
		args = append(args, f.arg)
		if s := otherMake(f); s.to != "" {
			args = append(args, s.file(f))
		}
	}
	b := batched{of: map[string]verification{}}
	var docs []verification
	b.run, docs = verifyThese(args...)
	for i, d := range docs {
		b.of[args[i]] = d
	}
	return b
})

func verifyThese(args ...string) (result, []verification) {
	ctx, cancel := context.WithTimeout(context.Background(), batchLimit)
	defer cancel()
	all := append([]string{"verify", "--new", "-j", atOnce, "-o", "json"}, args...)
	cmd := command(ctx, all...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		return result{args: all, err: stderr.String(), code: 3}, nil
	}
	r := result{all, out.String(), stderr.String(), exitCode(cmd.ProcessState)}
	var docs []verification
	if len(args) == 1 {
		docs = make([]verification, 1)
		err = json.Unmarshal(out.Bytes(), &docs[0])
	} else {
		err = json.Unmarshal(out.Bytes(), &docs)
	}
	if err != nil || len(docs) != len(args) {
		return r, nil
	}
	return r, docs
}

// oneByOne says that labs are verified each by itself: where few of them are wanted, and where processes share them
// out.
func oneByOne() bool {
	suite, _ := GinkgoConfiguration()
	return len(suite.FocusStrings) > 0 || suite.LabelFilter != "" || suite.ParallelTotal > 1
}

// verified is one lab's outcome, and the command that it is from.
func verified(arg string) (result, verification) {
	GinkgoHelper()
	if oneByOne() {
		run, docs := verifyThese(arg)
		Expect(docs).To(HaveLen(1), run.err)
		return run, docs[0]
	}
	b := batch()
	got, ok := b.of[arg]
	Expect(ok).To(BeTrue(), "%s was not verified: %s", arg, b.run.err)
	return b.run, got
}

var _ = Describe("verify of several labs", func() {
	It("exits as the worst of them deserves", func() {
		if oneByOne() {
			run, docs := verifyThese("two-hosts", "routed")
			Expect(docs).To(HaveLen(2))
			Expect(run).To(Exit(0))
			return
		}
		b := batch()
		Expect(b.of).NotTo(BeEmpty(), b.run.err)
		want := 0
		for _, d := range b.of {
			switch {
			case d.Error != "":
				want = 3
			case d.Skipped == "" && !d.OK && want == 0:
				want = 1
			}
		}
		if want == 0 {
			for _, d := range b.of {
				if d.Skipped != "" {
					want = 4
				}
			}
		}
		Expect(b.run.code).To(Equal(want), b.run.err)
	})
})
