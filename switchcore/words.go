package switchcore

import (
	"fmt"
	"slices"
	"strings"
)

// The words for what a configuration chooses from, in the order of the values, as [Config] has them in JSON. Lab files
// use the same, where they have the choice. Never written to.
var (
	profileWords  = []string{"standard", "distributed", "nsx", "learning"}
	vlanModeWords = []string{"untagged", "trunk", "private"}
	teamingWords  = []string{"originating_port", "source_mac", "ip_hash", "explicit"}
	checkWords    = []string{"effective", "initial", "allowed"}
)

// wordOf is the word for a value; the error says what has none.
func wordOf(words []string, value uint8, what string) ([]byte, error) {
	if int(value) >= len(words) {
		return nil, fmt.Errorf("no %s has the number %d", what, value)
	}
	return []byte(words[value]), nil
}

// valueOf is the value for a word; the error says which words there are.
func valueOf(words []string, word []byte, what string) (uint8, error) {
	if i := slices.Index(words, string(word)); i >= 0 {
		return uint8(i), nil
	}
	return 0, fmt.Errorf("%q is not a %s; there are %s", word, what, strings.Join(words, ", "))
}

// MarshalText is the profile as a lab file says it.
func (p Profile) MarshalText() ([]byte, error) { return wordOf(profileWords, uint8(p), "profile") }

// UnmarshalText reads what MarshalText writes.
func (p *Profile) UnmarshalText(b []byte) error {
	v, err := valueOf(profileWords, b, "profile")
	*p = Profile(v)
	return err
}

// MarshalText is the mode in a word.
func (m VLANMode) MarshalText() ([]byte, error) { return wordOf(vlanModeWords, uint8(m), "VLAN mode") }

// UnmarshalText reads what MarshalText writes.
func (m *VLANMode) UnmarshalText(b []byte) error {
	v, err := valueOf(vlanModeWords, b, "VLAN mode")
	*m = VLANMode(v)
	return err
}

// MarshalText is the policy as a lab file says it.
func (t TeamingPolicy) MarshalText() ([]byte, error) {
	return wordOf(teamingWords, uint8(t), "teaming policy")
}

// UnmarshalText reads what MarshalText writes.
func (t *TeamingPolicy) UnmarshalText(b []byte) error {
	v, err := valueOf(teamingWords, b, "teaming policy")
	*t = TeamingPolicy(v)
	return err
}

// MarshalText is what a source is compared with, in a word.
func (m SourceCheckMode) MarshalText() ([]byte, error) {
	return wordOf(checkWords, uint8(m), "source check")
}

// UnmarshalText reads what MarshalText writes.
func (m *SourceCheckMode) UnmarshalText(b []byte) error {
	v, err := valueOf(checkWords, b, "source check")
	*m = SourceCheckMode(v)
	return err
}

// MarshalText is the kinds with commas, in the order of their bits.
func (o Overrides) MarshalText() ([]byte, error) {
	var out []string
	for i, w := range OverrideWords() {
		if o&(1<<i) != 0 {
			out = append(out, w)
		}
	}
	return []byte(strings.Join(out, ",")), nil
}

// UnmarshalText reads what MarshalText writes.
func (o *Overrides) UnmarshalText(b []byte) error {
	*o = 0
	for w := range strings.SplitSeq(string(b), ",") {
		i := slices.Index(OverrideWords(), w)
		if i < 0 {
			return fmt.Errorf("%q is not an override; there are %s", w, strings.Join(OverrideWords(), ", "))
		}
		*o |= 1 << i
	}
	return nil
}
