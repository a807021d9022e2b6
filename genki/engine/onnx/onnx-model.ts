import { foldScales } from './fold-scales.ts';
import { type Attribute, type Body, type ElementType, type Graph, type Node, takenInside, type Value } from './graph.ts';
import { ProtobufWriter } from './protobuf.ts';

/** A serialised ModelProto, which of the program's inputs it really needs, and the constants that lie beside it. */
export type OnnxModel = { readonly bytes: Uint8Array; readonly inputs: readonly string[]; readonly externalData: readonly { path: string; data: Uint8Array }[] };

// onnx.proto3: numbers of fields, element types and attribute types; opset 17 is the first with LayerNormalization
const IR_VERSION = 8;
const OPSETS = { '': 17, 'com.microsoft': 1 };
const ELEMENT_TYPES: Record<ElementType, number> = { float32: 1, int32: 6, int64: 7, bool: 9 };
const DATA_EXTERNAL = 1;
const ATTRIBUTE_FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_STRING = 3;
const ATTRIBUTE_GRAPH = 5;
const ATTRIBUTE_INTS = 7;

/** The name that the session knows an output of the program by. */
export const outputName = (name: string): string => `output:${name}`;

/**
 * An ONNX model that gives these values of the graph by name, of the nodes that they depend on.
 *
 * @param folds whether products take over multiplications by a number: less work, but for products of one row, which
 *   have a faster kernel without
 */
export function onnxModel(graph: Graph, outputs: ReadonlyMap<string, Value>, { folds = false }: { readonly folds?: boolean } = {}): OnnxModel {
  const results = new Set(outputs.values());
  const needed = liveNodes(graph.nodes, results);
  const { nodes, live } = folds ? liveNodes(foldScales(graph, needed.nodes, results), results) : needed;
  const { names, copies } = outputNames(nodes, outputs);
  const inputs = [...graph.inputs].filter(([, value]) => live.has(value));
  const bytes = new ProtobufWriter()
    .integer(1, IR_VERSION)
    .string(2, 'genki')
    .message(7, (message) => {
      for (const node of [...nodes, ...copies]) message.message(1, (inner) => writeNode(inner, node, names));
      message.string(2, 'program');
      for (const constant of graph.constants) if (live.has(constant)) message.message(5, (inner) => writeConstant(inner, constant));
      for (const [, value] of inputs) message.message(11, (inner) => writeValueInfo(inner, value));
      for (const [name, value] of outputs) message.message(12, (inner) => writeValueInfo(inner, { ...value, name: outputName(name) }));
    });
  for (const [domain, version] of Object.entries(OPSETS)) bytes.message(8, (opset) => opset.string(1, domain).integer(2, version));
  const external = [...graph.constants].filter((constant) => constant.isExternal && live.has(constant));
  return { bytes: bytes.finish(), inputs: inputs.map(([name]) => name), externalData: external.map((constant) => ({ path: constant.name, data: bytesOf(constant) })) };
}

function liveNodes(nodes: readonly Node[], outputs: ReadonlySet<Value>): { nodes: Node[]; live: ReadonlySet<Value> } {
  const live = new Set(outputs);
  const kept = nodes.toReversed().filter((node) => {
    if (!node.outputs.some((output) => live.has(output))) return false;
    for (const input of [...node.inputs, ...takenInside(node)]) live.add(input);
    return true;
  });
  return { nodes: kept.reverse(), live };
}

/** What a node computes takes the name of the output that it is; a second output of it, an input or a constant is copied. */
function outputNames(nodes: readonly Node[], outputs: ReadonlyMap<string, Value>): { names: ReadonlyMap<Value, string>; copies: Node[] } {
  const computed = new Set(nodes.flatMap((node) => node.outputs));
  const names = new Map<Value, string>();
  const copies: Node[] = [];
  for (const [name, value] of outputs) {
    if (computed.has(value) && !names.has(value)) names.set(value, outputName(name));
    else copies.push({ op: 'Identity', domain: '', inputs: [value], outputs: [{ ...value, name: outputName(name) }], attributes: {} });
  }
  return { names, copies };
}

function writeNode(message: ProtobufWriter, { op, domain, inputs, outputs, attributes }: Node, names: ReadonlyMap<Value, string>): void {
  for (const input of inputs) message.string(1, names.get(input) ?? input.name);
  for (const output of outputs) message.string(2, names.get(output) ?? output.name);
  message.string(3, `${op}:${outputs[0]!.name}`).string(4, op);
  for (const [name, value] of Object.entries(attributes)) message.message(5, (inner) => writeAttribute(inner, [name, value], names));
  message.string(7, domain);
}

function writeAttribute(message: ProtobufWriter, [name, value]: readonly [string, Attribute], names: ReadonlyMap<Value, string>): void {
  message.string(1, name);
  if (typeof value === 'number') message.integer(3, value).integer(20, ATTRIBUTE_INT);
  else if (typeof value === 'string') message.string(4, value).integer(20, ATTRIBUTE_STRING);
  else if ('body' in value) message.message(6, (inner) => writeBody(inner, value.body, names)).integer(20, ATTRIBUTE_GRAPH);
  else if ('float' in value) message.float(2, value.float).integer(20, ATTRIBUTE_FLOAT);
  else {
    for (const item of value) message.integer(8, item);
    message.integer(20, ATTRIBUTE_INTS);
  }
}

function writeBody(message: ProtobufWriter, { inputs, nodes, outputs }: Body, names: ReadonlyMap<Value, string>): void {
  for (const node of nodes) message.message(1, (inner) => writeNode(inner, node, names));
  message.string(2, 'body');
  for (const value of inputs) message.message(11, (inner) => writeValueInfo(inner, value));
  for (const value of outputs) message.message(12, (inner) => writeValueInfo(inner, value));
}

function writeConstant(message: ProtobufWriter, value: Value): void {
  for (const size of value.shape) message.integer(1, Number(size));
  message.integer(2, ELEMENT_TYPES[value.dtype]).string(8, value.name);
  const bytes = bytesOf(value);
  if (!value.isExternal) return void message.bytes(9, bytes);
  for (const [key, text] of Object.entries({ location: value.name, offset: '0', length: String(bytes.byteLength) })) message.message(13, (entry) => entry.string(1, key).string(2, text));
  message.integer(14, DATA_EXTERNAL);
}

/** Of a value that has a constant. */
const bytesOf = ({ constant }: Value): Uint8Array => new Uint8Array(constant!.buffer, constant!.byteOffset, constant!.byteLength);

function writeValueInfo(message: ProtobufWriter, { name, shape, dtype }: Value): void {
  message.string(1, name).message(2, (typeProto) =>
    typeProto.message(1, (tensorType) =>
      tensorType.integer(1, ELEMENT_TYPES[dtype]).message(2, (shapeProto) => {
        for (const dim of shape) shapeProto.message(1, (inner) => (typeof dim === 'number' ? inner.integer(1, dim) : inner.string(2, dim)));
      }),
    ),
  );
}
