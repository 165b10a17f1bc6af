package state

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// MaxText is how long a text may be, in bytes.
const MaxText = 64 << 20

// Text is the text form: JSON, indented, with a newline at its end. The same state gives the same bytes.
func (s *State) Text() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return nil, fmt.Errorf("write a state: %w", err)
	}
	return b.Bytes(), nil
}

// Read takes a state from a text, which may be a stranger's. It takes what Text writes, blanks and line breaks between
// values apart, and nothing else.
func Read(text []byte) (*State, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("a state of %d bytes; at most %d are read", len(text), MaxText)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	s := &State{}
	if err := d.Decode(s); err != nil {
		return nil, fmt.Errorf("not a state: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("not a state: something follows it")
	}
	if s.Format != Format {
		return nil, fmt.Errorf("a state of format %d; this labctl reads format %d", s.Format, Format)
	}
	return s, nil
}
