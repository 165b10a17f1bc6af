package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"

	"labctl/cmd/labctl/terminal"
)

// print writes a document as JSON or YAML, or calls table.
func (g *globals) print(w io.Writer, doc any, table func(io.Writer) error) error {
	switch g.output {
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(doc)
	case "yaml":
		return printYAML(w, doc)
	}
	return table(w)
}

// printYAML says in YAML exactly what JSON would say, with the same names in the same order.
func printYAML(w io.Writer, doc any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return err
	}
	var n yaml.Node // JSON is YAML, and a Node keeps the order of keys
	if err := yaml.Unmarshal(b.Bytes(), &n); err != nil {
		return err
	}
	block(&n)
	out, err := yaml.Marshal(&n)
	if err != nil {
		return err
	}
	_, err = w.Write(out)
	return err
}

// block turns JSON's flow style into YAML's usual one.
func block(n *yaml.Node) {
	n.Style &^= yaml.FlowStyle | yaml.DoubleQuotedStyle
	for _, c := range n.Content {
		block(c)
	}
}

// columns prints lines of words under a header, as kubectl does.
func columns(w io.Writer, header string, rows [][]string) error {
	return listing(header, rows).Write(w)
}

// listing is the table that [columns] prints.
func listing(header string, rows [][]string) terminal.Table {
	return terminal.Table{Head: strings.Fields(header), Rows: rows, Style: stateStyle}
}

// stateStyle is how a word about a state looks.
func stateStyle(column, word string) terminal.Style {
	switch {
	case column == "DROPS" && word != "-":
		return terminal.Notice
	case column != "STATE" && column != "LEAVES":
		return terminal.Plain
	}
	first, _, _ := strings.Cut(strings.ToLower(word), " ")
	switch first {
	case "running", "up", "forwarding", "reachable", "permanent", "done", "yes":
		return terminal.Good
	case "degraded", "not", "dead", "down", "lowerlayerdown", "blocked", "failed", "differs", "broken", "exit",
		"killed", "no":
		return terminal.Bad
	}
	return terminal.Plain
}

// oneLine is the first line of a text that is not empty, and a sign that there are others.
func oneLine(text string) string {
	first, rest, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if first = strings.TrimSpace(first); strings.TrimSpace(rest) != "" {
		first += " …"
	}
	return first
}
