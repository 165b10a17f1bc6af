//go:build linux

package switchproc

import (
	"os"
	"testing"

	"labctl/cmd/labctl/runtest"
)

func TestMain(m *testing.M) { os.Exit(runtest.Main(m)) }
