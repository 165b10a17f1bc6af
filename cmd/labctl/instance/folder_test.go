//go:build linux

package instance

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/runtest"
	"labctl/cmd/labctl/wire"
)

func TestAFolderIsOursAlone(t *testing.T) {
	for name, c := range map[string]struct {
		bend    func(dir string) error
		refused string // "": taken
	}{
		"as it was made":       {func(string) error { return nil }, ""},
		"others may read":      {func(dir string) error { return os.Chmod(dir, 0o755) }, ""},
		"a group may write":    {func(dir string) error { return os.Chmod(dir, 0o770) }, "mode 0770"},
		"everybody may write":  {func(dir string) error { return os.Chmod(dir, 0o1777|os.ModeSticky) }, "only you can write"},
		"it is a symlink":      {func(dir string) error { return errors.Join(os.Rename(dir, dir+"2"), os.Symlink(dir+"2", dir)) }, "symlink"},
		"it is a file":         {func(dir string) error { return errors.Join(os.Remove(dir), os.WriteFile(dir, nil, 0o600)) }, "not a directory"},
		"it is another user's": {func(dir string) error { return os.Chown(dir, 65533, -1) }, "user 65533"},
	} {
		t.Run(name, func(t *testing.T) {
			above := runtest.Directory(t)
			dir := filepath.Join(above, "lab")
			err := os.Mkdir(dir, 0o700)
			if err == nil {
				err = c.bend(dir)
			}
			if errors.Is(err, fs.ErrPermission) {
				return // only root may give directories away
			}
			if err != nil {
				t.Fatal(err)
			}
			up, err := openFolder(above, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer up.Close()
			for _, open := range []func() (*Folder, error){
				func() (*Folder, error) { return openFolder(dir, nil) },
				func() (*Folder, error) { return up.Sub("lab") },
			} {
				d, err := open()
				if err == nil {
					d.Close()
				}
				if (err != nil) != (c.refused != "") || err != nil && !strings.Contains(err.Error(), c.refused) {
					t.Errorf("%v, want %q", err, c.refused)
				}
				if errors.Is(err, fs.ErrNotExist) {
					t.Error("it passes for one that is not there")
				}
			}
		})
	}
}

// A directory that another user has closed is that user's, and it is said what to do.
func TestAFolderThatAnotherUserHasClosed(t *testing.T) {
	if os.Geteuid() != 0 {
		return // only root can be two users
	}
	dir, err := os.MkdirTemp("", "closed")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := errors.Join(os.Chmod(dir, 0o755), os.Mkdir(filepath.Join(dir, "labctl"), 0o700)); err != nil {
		t.Fatal(err)
	}
	heard := make(chan error)
	go asUser(65533, func() {
		_, err := openFolder(filepath.Join(dir, "labctl"), nil)
		heard <- err
	})
	var f *wire.Failure
	if err := <-heard; !errors.As(err, &f) || f.Class != wire.Failed || !strings.Contains(err.Error(), "its owner is user 0, its mode 0700): set XDG_RUNTIME_DIR") {
		t.Error(err)
	}
}

// A file that somebody else could have written is not believed, and no name leads out of the directory.
func TestAFolderReadsOnlyItsOwn(t *testing.T) {
	dir := runtest.Directory(t)
	d, err := openFolder(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.write("good", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if b, err := d.Read("good"); err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
	if err := errors.Join(os.Symlink("good", filepath.Join(dir, "link")), os.WriteFile(filepath.Join(dir, "open"), nil, 0o600),
		os.Chmod(filepath.Join(dir, "open"), 0o666), unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"link", "open", "fifo"} {
		if _, err := d.Read(name); err == nil {
			t.Errorf("%s was believed", name)
		}
	}
	if err := d.Put("link", []byte("y"), 0o600); err == nil {
		t.Error("wrote through a symlink")
	}
	for _, name := range []string{"..", ".", "", "../d", "/tmp", "a/b"} {
		if s, err := d.Sub(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q led to %v, %v", name, s, err)
		}
	}
}

// The directory is reached by its descriptor: one that is put in its place later is not.
func TestAFolderStaysTheOneThatWasChecked(t *testing.T) {
	dir := runtest.Directory(t)
	d, err := openFolder(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := errors.Join(d.write("f", []byte("ours")), os.Rename(dir, dir+"2"), os.Mkdir(dir, 0o700),
		os.WriteFile(filepath.Join(dir, "f"), []byte("theirs"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if b, err := d.Read("f"); err != nil || string(b) != "ours" {
		t.Errorf("%q, %v", b, err)
	}
	if err := d.Clear(); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "f")); err != nil || string(b) != "theirs" {
		t.Errorf("the other one was cleared: %q, %v", b, err)
	}
}

// The last lab's "down" removes the directory of all while somebody lists it.
func TestAFolderThatIsRemovedIsEmpty(t *testing.T) {
	dir := runtest.Directory(t)
	d, err := openFolder(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if names, err := d.list(); err != nil || len(names) != 0 {
		t.Errorf("%q, %v", names, err)
	}
}

func TestHomesAreApart(t *testing.T) {
	for _, uid := range []int{0, 7} {
		for _, runtime := range []string{"", "/run/user/7", "/tmp/x", "/tmp/labctl-x", "/tmp/labctl-1"} {
			labs, err1 := homeOf(LabsHome, uid, runtime)
			switches, err2 := homeOf(SwitchesHome, uid, runtime)
			if err1 != nil || err2 != nil || labs == switches || filepath.Dir(labs) != filepath.Dir(switches) {
				t.Errorf("of user %d below %q: %s and %s, %v %v", uid, runtime, labs, switches, err1, err2)
			}
		}
	}
}

func TestRuntimeDirectoriesThatWillNotDo(t *testing.T) {
	if os.Geteuid() == 0 {
		return // root has no choice
	}
	dir := runtest.Directory(t)
	for runtime, want := range map[string]string{
		"run":                  "not an absolute path",
		"./run":                "not an absolute path",
		dir + "/missing":       "no such directory",
		"/proc/version":        "not a directory",
		"/proc":                "XDG_RUNTIME_DIR",
		filepath.Dir(dir) + "": "",
	} {
		t.Setenv("XDG_RUNTIME_DIR", runtime)
		h, err := OpenHome(LabsHome, true, nil)
		if err == nil {
			h.Close()
		}
		if (err != nil) != (want != "") || err != nil && (!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "XDG_RUNTIME_DIR")) {
			t.Errorf("%s: %v, want %q", runtime, err, want)
		}
	}
	loose := filepath.Join(dir, "loose")
	if err := errors.Join(os.Mkdir(loose, 0o700), os.Chmod(loose, 0o777)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_RUNTIME_DIR", loose)
	if _, err := OpenHome(LabsHome, true, nil); err == nil || !strings.Contains(err.Error(), "others can write") {
		t.Errorf("a directory that everybody can rename in: %v", err)
	}
}

// A socket's address has room for 107 bytes, a directory's path for more.
func TestSocketsBelowALongPath(t *testing.T) {
	dir := filepath.Join(runtest.Directory(t), strings.Repeat("long", 30))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d, err := openFolder(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for range 2 { // the second takes the place of a dead one
		l, err := Listen(d, "sock")
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		conn, peer, err := Dial(d, "sock")
		if err != nil {
			t.Fatal(err)
		}
		if int(peer.Pid) != os.Getpid() {
			t.Errorf("answered by %d, not by %d", peer.Pid, os.Getpid())
		}
		conn.Close()
		l.Close()
		if st, err := os.Stat(d.In("sock")); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", st, err)
		}
	}
	if _, _, err := Dial(d, "sock"); err == nil || strings.Contains(err.Error(), "/proc/") || !strings.Contains(err.Error(), dir) {
		t.Errorf("nobody listens: %v", err)
	}
}

// What a directory's mode allows by mistake, the socket's peer does not.
func TestPeersAreTheSameUser(t *testing.T) {
	if os.Geteuid() != 0 {
		return // only root can be two users
	}
	dir, err := os.MkdirTemp("", "peer")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "sock")
	listen := func() (l *net.UnixListener) {
		t.Helper()
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err = errors.Join(err, os.Chmod(path, 0o777)); err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := listen()
	// Another user calls.
	fd := make(chan int)
	go asUser(65533, func() { fd <- connect(path) })
	if c := <-fd; c < 0 {
		t.Fatal("the other user could not connect")
	} else {
		defer unix.Close(c)
	}
	conn, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := samePeer(conn); !errors.Is(err, errOtherUser) {
		t.Errorf("another user's call is taken: %v", err)
	}
	conn.Close()
	l.Close()
	// Another user answers: who listens is who called listen(2).
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	go asUser(65533, func() { fd <- serveAt(path) })
	if c := <-fd; c < 0 {
		t.Fatal("the other user could not listen")
	} else {
		defer unix.Close(c)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	d, err := openFolder(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, _, err := Dial(d, "sock"); !errors.Is(err, errOtherUser) {
		t.Errorf("another user's answer is taken: %v", err)
	}
}

// asUser runs f on a thread of its own that is another user's: the system call, other than Go's wrapper, is about one
// thread.
func asUser(uid uintptr, f func()) {
	runtime.LockOSThread()
	if unix.Gettid() == os.Getpid() { // the first thread is needed
		defer runtime.UnlockOSThread()
		done := make(chan bool)
		go func() { defer close(done); asUser(uid, f) }()
		<-done
		return
	}
	_, _, _ = unix.RawSyscall(unix.SYS_SETRESUID, uid, uid, uid)
	f()
}

func connect(path string) int {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil || unix.Connect(fd, &unix.SockaddrUnix{Name: path}) != nil {
		return -1
	}
	return fd
}

func serveAt(path string) int {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil || unix.Bind(fd, &unix.SockaddrUnix{Name: path}) != nil || unix.Listen(fd, 1) != nil || unix.Chmod(path, 0o777) != nil {
		return -1
	}
	return fd
}
