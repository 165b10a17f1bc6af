package switchcore

import (
	"reflect"
	"testing"
)

// Every policy has one row, and what a level can say is in some row: a field of Spec that no row copies, lays and tells
// would be shared between configurations, and would do nothing.
func TestPoliciesHaveRows(t *testing.T) {
	fields := reflect.TypeFor[Spec]()
	for i := range fields.NumField() {
		var s Spec
		fill(reflect.ValueOf(&s).Elem().Field(i))
		var rows []string
		for _, p := range policies {
			if p.said(&s) {
				rows = append(rows, p.key)
			}
		}
		if len(rows) != 1 {
			t.Errorf("%s is a matter of %q, should be of one policy", fields.Field(i).Name, rows)
		}
		if c := s.clone(); !reflect.DeepEqual(c, s) || shared(reflect.ValueOf(c), reflect.ValueOf(s)) {
			t.Errorf("%s: %+v is not a copy of %+v", fields.Field(i).Name, c, s)
		}
		var r, was Computed
		r.lay(&s, LevelGroup)
		if reflect.DeepEqual(r, was) {
			t.Errorf("%s changes nothing", fields.Field(i).Name)
		}
	}
}

// fill gives a value something to say.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint8:
		v.SetUint(1)
	case reflect.String:
		v.SetString("u1")
	}
}

// shared tells whether two values refer to the same memory.
func shared(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Pointer:
		return !a.IsNil() && (a.Pointer() == b.Pointer() || shared(a.Elem(), b.Elem()))
	case reflect.Slice:
		return a.Len() > 0 && a.Pointer() == b.Pointer()
	case reflect.Struct:
		for i := range a.NumField() {
			if shared(a.Field(i), b.Field(i)) {
				return true
			}
		}
	}
	return false
}
