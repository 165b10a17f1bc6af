//go:build linux

package client

import (
	"os"
	"testing"

	"labctl/cmd/labctl/runtest"
)

func TestMain(m *testing.M) { os.Exit(runtest.Main(m)) }
