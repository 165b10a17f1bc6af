// Has Mermaid parse diagrams: files of its own, and the blocks in Markdown. Mermaid wants a document, which jsdom is.
import fs from "node:fs";
import { JSDOM } from "jsdom";

const { window } = new JSDOM("");
Object.assign(globalThis, { window, document: window.document, Element: window.Element });
const { default: mermaid } = await import("mermaid");

const blocks = /^```mermaid\n(.*?)^```$/gms;
let read = 0;
for (const file of process.argv.slice(2)) {
  const text = fs.readFileSync(file, "utf8");
  const diagrams = file.endsWith(".md") ? [...text.matchAll(blocks)].map((m) => m[1]) : [text];
  if (diagrams.length === 0) {
    console.error(`${file}: no diagram`);
    process.exitCode = 1;
  }
  for (const [i, diagram] of diagrams.entries()) {
    try {
      await mermaid.parse(diagram);
      read++;
    } catch (e) {
      console.error(`${file}: diagram ${i + 1}: ${e.message}`);
      process.exitCode = 1;
    }
  }
}
console.log(`${read} diagrams read by Mermaid`);
