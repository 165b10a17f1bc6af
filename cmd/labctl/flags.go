package main

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
)

// plainFlag says of a flag's value that cannot be read what it is to be, and not which function could not read it.
func plainFlag(err error) error {
	var bad *pflag.InvalidValueError
	if !errors.As(err, &bad) {
		return err
	}
	return fmt.Errorf("--%s %q: want %s", bad.GetFlag().Name, bad.GetValue(), wantedBy(bad.GetFlag()))
}

// wantedBy is what the value of a flag is to be.
func wantedBy(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "bool":
		return "true or false"
	case "int", "count":
		return "a whole number"
	case "duration":
		return "a time, as 500ms or 2s"
	}
	return "another value" // a text can be anything, and is refused by its verb
}
