//go:build linux

package supervisor

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/innode"
)

// tool runs a program inside a node, for the kernel package. It needs no view of /sys or /proc of its own.
func (k *commands) tool(ctx context.Context, node string, argv []string,
	stdin []byte) (stdout, stderr []byte, err error) {
	var files []*os.File
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	for _, name := range []string{"stdin", "stdout", "stderr"} {
		fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, os.NewFile(uintptr(fd), name))
	}
	if _, err := files[0].Write(stdin); err != nil {
		return nil, nil, err
	}
	if _, err := files[0].Seek(0, io.SeekStart); err != nil {
		return nil, nil, err
	}
	// Every node has a lock of its own: the machine's is another user's, and another node's rules are none of this
	// one's.
	env := append(k.environment(node), "LC_ALL=C", "XTABLES_LOCKFILE="+k.rundir.In("xtables."+node+".lock"))
	start := k.procs.start
	if onlyNFTables(argv[0]) {
		start = k.procs.startHarmless
	}
	p, err := start(node, strings.Join(argv, " "),
		append([]string{"labctl", innode.Verb, "--plain", "--"}, argv...), env, "/", files...)
	if err != nil {
		return nil, nil, err
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		k.procs.end(p, syscall.SIGKILL)
		<-p.done
		return nil, nil, context.Cause(ctx)
	}
	if p.status.ExitStatus() != 0 {
		err = &commandError{status: p.status}
	}
	return contents(files[1]), contents(files[2]), err
}

// onlyNFTables reports whether a program makes rules of nf_tables and no others: nft, or an iptables that is one name
// of xtables-nft-multi (xtables-nft(8)).
func onlyNFTables(program string) bool {
	path, err := exec.LookPath(program)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	name := filepath.Base(path)
	return err == nil && (name == "nft" || name == "xtables-nft-multi")
}

// contents is what somebody wrote to a file whose offset he shares.
func contents(f *os.File) []byte {
	st, err := f.Stat()
	if err != nil {
		return nil
	}
	b, _ := io.ReadAll(io.NewSectionReader(f, 0, st.Size()))
	return b
}
