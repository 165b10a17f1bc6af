package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"labctl/labs"
)

// completeFile completes the one FILE of a verb.
func completeFile(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return completeFiles(cmd, args, begun)
}

// completeFiles completes FILEs: lab files that are there, and the folders in which others may be, and behind them the
// shipped labs.
func completeFiles(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	after := cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	files, folders := labFilesAt(begun)
	list := append(files, folders...)
	for _, name := range labs.Names() {
		if strings.HasPrefix(name, begun) {
			list = append(list, name)
		}
	}
	if len(folders) > 0 && len(list) == len(folders) { // what follows is inside
		after |= cobra.ShellCompDirectiveNoSpace
	}
	return list, after
}

// labFilesAt are the lab files whose paths begin so, and the folders, each with a slash at its end. Hidden ones are
// offered only to who has begun with a dot.
func labFilesAt(begun string) (files, folders []string) {
	dir, base := filepath.Split(begun)
	at := dir
	if at == "" {
		at = "."
	}
	entries, err := os.ReadDir(at)
	if err != nil {
		return nil, nil
	}
	for _, e := range entries {
		name := e.Name()
		if !strings.HasPrefix(name, base) || base == "" && name[0] == '.' {
			continue
		}
		st, err := os.Stat(filepath.Join(at, name)) // a symbolic link is what it leads to
		switch ext := filepath.Ext(name); {
		case err != nil:
		case st.IsDir():
			folders = append(folders, dir+name+"/")
		case ext == ".yaml" || ext == ".yml":
			files = append(files, dir+name)
		}
	}
	return files, folders
}

// completeShipped completes the name of a shipped lab.
func completeShipped(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return labs.Names(), cobra.ShellCompDirectiveNoFileComp
}
