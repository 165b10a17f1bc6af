package switchcore

import (
	"fmt"
	"reflect"
	"strings"
)

// describer is a configuration that prints itself by describe, when it is printed.
type describer Config

func (d describer) String() string { return describe(Config(d)) }

// describe prints a configuration without what is not set.
func describe(c Config) string {
	var b strings.Builder
	fmt.Fprintf(&b, "switch {%s}", fields(reflect.ValueOf(c), "Groups", "Ports"))
	for _, g := range c.Groups {
		fmt.Fprintf(&b, "\n  group {%s}", fields(reflect.ValueOf(g)))
	}
	for _, p := range c.Ports {
		fmt.Fprintf(&b, "\n  port {%s}", fields(reflect.ValueOf(p)))
	}
	return b.String()
}

func fields(v reflect.Value, without ...string) string {
	var words []string
	for i := range v.NumField() {
		name, f := v.Type().Field(i).Name, v.Field(i)
		if f.IsZero() || strings.Contains(strings.Join(without, " "), name) {
			continue
		}
		for f.Kind() == reflect.Pointer {
			f = f.Elem()
		}
		if f.Kind() == reflect.Struct {
			words = append(words, name+"{"+fields(f)+"}")
		} else {
			words = append(words, fmt.Sprintf("%s:%v", name, f.Interface()))
		}
	}
	return strings.Join(words, " ")
}
