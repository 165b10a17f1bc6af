//go:build !linux

package main

import (
	"errors"
	"runtime"

	"github.com/spf13/cobra"

	"labctl/topology/labfile"
)

// byKernel needs one that has network namespaces.
func (v *verifyFlags) byKernel(*cobra.Command, *globals, []string) error {
	return unsupported{errors.New("labctl verify needs a Linux kernel, and this is " + runtime.GOOS +
		"; --model judges without one, or run it in a Linux machine or VM")}
}

// loadRunning needs a running lab, and there is none.
func (v *verifyFlags) loadRunning(name string) (*labFile, *labfile.File, error) {
	return nil, nil, unsupported{errors.New("labctl verify -l needs a Linux kernel, and this is " + runtime.GOOS +
		"; give " + name + "'s FILE")}
}

// writeBack writes what was measured, and nothing is here.
func (v *verifyFlags) writeBack(*verified) error { return nil }
