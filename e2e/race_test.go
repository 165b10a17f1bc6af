package e2e

import (
	"debug/buildinfo"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// A supervisor outlives whoever started it, and nobody sees its exit code: what the race detector has to say of it is
// in a file, which scripts/live.sh reads in the end.
var _ = Describe("the race detector", func() {
	const variable = "GORACE"
	It("tells every process of a lab where its reports belong", func() {
		info, err := buildinfo.ReadFile(binary)
		Expect(err).NotTo(HaveOccurred())
		if !slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
			Expect(os.Getenv(variable)).NotTo(ContainSubstring("log_path="), "a suite that reads reports drives a binary that writes some")
			return
		}
		want := os.Getenv(variable)
		Expect(want).To(ContainSubstring("log_path="))
		up("nested-esxi")
		Expect(supervisor("nested-esxi")).NotTo(BeZero())
		for pid := range ours() {
			env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
			Expect(err).NotTo(HaveOccurred())
			Expect(strings.Split(string(env), "\x00")).To(ContainElement(variable + "=" + want))
		}
	})
})
