package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// MaxText is how long a text may be, in bytes. A node takes about ten thousand.
const MaxText = 64 << 20

// Text is the text form: JSON with two blanks for each level and a newline at its end. The same state gives the same
// bytes.
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
// values apart, and nothing else: no other keys, no key twice, no other order, and no name of something that is not
// there. The error says in which line of the text the first mistake is. Time and memory are linear in the length of the
// text.
func Read(text []byte) (*State, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("a state of %d bytes; at most %d are read", len(text), MaxText)
	}
	var head struct {
		Format *int `json:"format"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, notState(text, offsetOf(err, 0), err.Error())
	}
	if head.Format == nil {
		return nil, notState(text, 0, "it does not begin with its format")
	}
	if *head.Format != Format {
		return nil, fmt.Errorf("a state of format %d; this labctl reads format %d", *head.Format, Format)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	s := &State{}
	if err := d.Decode(s); err != nil {
		return nil, notState(text, offsetOf(err, d.InputOffset()), strings.TrimPrefix(err.Error(), "json: "))
	}
	if err := s.canonical(text); err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("not a state: %w", err)
	}
	return s, nil
}

// offsetOf is where in a text an error of the decoder is.
func offsetOf(err error, otherwise int64) int64 {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return syntax.Offset
	case errors.As(err, &kind):
		return kind.Offset
	}
	return otherwise
}

func notState(text []byte, offset int64, why string) error {
	before := text[:min(max(offset, 0), int64(len(text)))]
	return fmt.Errorf("not a state: line %d: %s", 1+bytes.Count(before, []byte("\n")), why)
}

// canonical reports that a text is not the one that the state has: it has a key twice, or in capitals, or another
// order.
func (s *State) canonical(text []byte) error {
	again := s.clone()
	for k := range again.Nodes {
		again.Nodes[k].Sort()
	}
	want, err := again.Text()
	if err != nil {
		return err
	}
	w, h := significant{text: want}, significant{text: text}
	for {
		a, b := w.next(), h.next()
		if a != b || w.done != h.done {
			return notState(text, int64(h.at-1), "this is not how labctl writes it: a key that is there twice, is "+
				"written otherwise or has no value, or a list in another order")
		}
		if w.done && h.done {
			return nil
		}
	}
}

// significant goes through the bytes of a JSON text without the blanks between its values.
type significant struct {
	text           []byte
	at             int
	quoted, escape bool
	done           bool
}

// next is the next byte; done says that there is none.
func (s *significant) next() byte {
	for s.at < len(s.text) {
		c := s.text[s.at]
		s.at++
		switch {
		case s.escape:
			s.escape = false
		case s.quoted && c == '\\':
			s.escape = true
		case c == '"':
			s.quoted = !s.quoted
		case !s.quoted && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			continue
		}
		return c
	}
	s.done = true
	return 0
}
