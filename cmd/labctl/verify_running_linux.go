package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"labctl/cmd/labctl/client"
	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/wire"
	"labctl/topology/labfile"
	"labctl/topology/problem"
)

// standing judges a lab that is running, as it is.
func (v *verifyFlags) standing(ctx context.Context, r *verified) error {
	r.name = r.arg
	c, err := (&globals{lab: r.arg}).running(ctx)
	if err != nil {
		return err
	}
	m, err := instance.ReadMeta(r.arg)
	if err != nil {
		return err
	}
	src, err := instance.Source(r.arg)
	if err != nil {
		return err
	}
	r.file = &labFile{display: displayOf(m.File), identity: m.File, source: src, fromDisk: true}
	lab, problems := labfile.Load(r.file.display, src)
	if lab == nil {
		return problems
	}
	r.lab = lab
	if now, err := os.ReadFile(m.File); err == nil && string(now) != string(src) {
		v.note("%s has changed since the lab was brought up, and is judged by what it was; \"labctl up %s\" takes "+
			"it in", r.file.display, r.file.display)
	}
	if set, err := instance.ByHand(r.arg); err == nil && len(set) > 0 {
		v.note("%s is judged with what was set by hand: %s", r.arg, strings.Join(set, ", "))
	}
	events, done := v.progress(r.arg)
	defer done()
	r.result, err = client.Call(ctx, c, wire.MethodVerify, wire.VerifyParams{All: v.update}, events)
	if err == nil && len(lab.Steps) > 0 {
		r.note = fmt.Sprintf("%s is running: judged as it is; what changes a lab (%s) is walked through on a new "+
			"instance (--new)", r.arg, problem.Count(len(lab.Steps), "step"))
	}
	return err
}

// loadRunning reads the file of a running lab, as it was when it was brought up.
func (v *verifyFlags) loadRunning(name string) (*labFile, *labfile.File, error) {
	list, err := instance.All()
	if err != nil {
		return nil, nil, err
	}
	if !slices.Contains(list, name) {
		return nil, nil, usagef("no lab %q is running%s; without -l a FILE is judged", name,
			problem.Suggest(name, list))
	}
	m, err := instance.ReadMeta(name)
	if err != nil {
		return nil, nil, err
	}
	src, err := instance.Source(name)
	if err != nil {
		return nil, nil, err
	}
	if set, err := instance.ByHand(name); err == nil && len(set) > 0 {
		v.note("%s is judged as its file has it, without what was set by hand: %s", name, strings.Join(set, ", "))
	}
	f := &labFile{display: displayOf(m.File), identity: m.File, source: src, fromDisk: true}
	lab, problems := labfile.Load(f.display, src)
	if lab == nil {
		return f, nil, problems
	}
	return f, lab, nil
}
