"""Specs with every feature of the language that the shipped ones lack, for `tests/to_python`."""

from __future__ import annotations

PLUGIN = '''
import keras


@keras.saving.register_keras_serializable(package="my")
class Scale(keras.layers.Layer):
    """Multiplies by a number. Its constructor takes no name."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor

    def get_config(self):
        return {"name": self.name, "factor": self.factor}


@keras.saving.register_keras_serializable(package="my", name="Shift")
class Moved(keras.layers.Layer):
    """Adds a number."""

    def __init__(self, by=1.0, **kwargs):
        super().__init__(**kwargs)
        self.by = by

    def call(self, inputs):
        return inputs + self.by

    def get_config(self):
        return {**super().get_config(), "by": self.by}


@keras.saving.register_keras_serializable(package="my")
def twice(x):
    return 2 * x
'''

CASES: dict[str, str] = {}
"""The specs by their names."""

CASES["plugins"] = """
graphspec: 1
plugins: [my_layers]
inputs: {x: [4]}
graph:
  a: {from: x, apply: [{my>Scale: 2.0}, {my>Shift: {by: 3.0}}, {Dense: {units: 3, activation: my>twice}}]}
outputs: {y: {from: a, apply: my>Shift, loss: mse}}
training: {optimizer: sgd}
"""

CASES["random"] = """
graphspec: 1
inputs: {x: [null, 3], logits: [4]}
graph:
  noise: {from: x, apply: {ops.random.normal: {stddev: 0.5}}}
  cast: {from: noise, apply: {ReLU: {name: cast}}}
  dropped: {from: cast, apply: {ops.random.dropout: {rate: 0.5, noise_shape: [null, null, 1]}}}
  fixed: {apply: [{ops.zeros: [1, 3]}, {ops.random.uniform: {maxval: 2.0}}]}
  dice: {from: x, apply: [{ops.random.randint: {minval: 1, maxval: 7}}, {ops.cast: float32}]}
  mixed: {from: x, apply: [{ops.random.shuffle: {axis: 1}}, {ops.random.truncated_normal: {seed: 3}}]}
  all: {from: [dropped, dice, mixed], merge: sum}
outputs:
  y: {from: [all, fixed], apply: [ops.add, {Dense: 2}]}
  class: {from: logits, apply: {ops.random.categorical: {num_samples: 2}}}
"""

CASES["names"] = """
graphspec: 1
name: odd-names
vars: {list: 3, keras: 4}
models:
  build_model: {inputs: {class: [4]}, outputs: {def: {from: class, apply: {Dense: "${list}"}}}}
layers: {lambda: {Dense: 4}, layers: {Dropout: 0.5}}
blocks:
  print:
    params: {None-: 3, ops: 1}
    inputs: [self, x]
    output: {from: [self, x], merge: concat, apply: {Dense: {units: "${keras}"}}}
inputs: {import: [4], np: [4], l: [4]}
graph:
  for: {from: import, apply: [lambda, layers]}
  in: {from: np, apply: lambda}
  model: {from: l, apply: build_model}
  is: {from: [for, in], apply: print}
  dense-1: {from: [is, model], merge: concat, apply: {Dense: 4}}
  dense_1: {from: dense-1, apply: {Dense: 4}}
outputs: {return: {from: dense_1, apply: {Dense: {units: "${keras}", name: yield}}}}
"""

CASES["operations"] = """
graphspec: 1
inputs: {x: [4, 6], square: [4, 6]}
graph:
  parts: {from: x, apply: {ops.split: {indices_or_sections: 2, axis: 2}}}
  product: {from: ["parts[0]", "parts[1]"], apply: {ops.einsum: "bij,bkj->bik"}}
  stacked: {from: ["parts[0]", "parts[1]"], apply: {ops.stack: {axis: 1}}}
  multiply: {from: square, apply: [ops.square, {ops.multiply: 0.5}, {ops.power: 2, repeat: 3}]}
  chosen: {from: multiply, apply: [{ops.greater: 0.5}, {ops.where: {x2: 0.0}, call: {x1: x}}]}
  turned: {from: {x2: chosen}, apply: {ops.subtract: {x1: 1.0}}}
  flat: {from: turned, apply: [{ops.transpose: {axes: [0, 2, 1]}}, {ops.reshape: [-1, 24]}]}
  two: {from: product, apply: {ops.reshape: [-1, 16]}}
  three: {from: stacked, apply: {ops.reshape: [-1, 24]}}
outputs:
  y: {from: [flat, two, three], merge: concat, apply: ops.relu}
"""

CASES["pictures"] = """
graphspec: 1
inputs: {image: [8, 8, 3], tag: {shape: [1]}}
graph:
  small: {from: image, apply: {ops.image.resize: {size: [4, 4]}}}
  pooled: {from: small, apply: {ops.max_pool: {pool_size: 2}}}
outputs: {y: {from: pooled, apply: Flatten}, same: tag}
"""

CASES["nested"] = """
graphspec: 1
vars: {size: 4, wide: "${2 * size}"}
layers:
  shared: {Dense: "${wide}"}
  seen: {TimeDistributed: encoder}
models:
  encoder:
    inputs: {a: ["${size}"]}
    outputs: {code: {from: a, apply: [shared, {Dense: {units: 3, activation: relu}}]}}
  pair:
    inputs: {left: ["${size}"], right: ["${size}"]}
    trainable: false
    graph: {one: {from: left, apply: encoder}, two: {from: right, apply: encoder}}
    outputs:
      both: {from: [one, two], merge: concat}
      apart: {from: [one, two], merge: sub}
inputs: {x: ["${size}"], z: ["${size}"], frames: [5, "${size}"]}
graph:
  pairs: {from: {right: x, left: z}, apply: pair}
  again: {from: x, apply: shared}
  steps: {from: frames, apply: [seen, {Bidirectional: {layer: {LSTM: {units: 3, return_sequences: true}}}}]}
  stacked: {from: steps, apply: {RNN: {cell: {StackedRNNCells: {cells: [{GRUCell: 3}, {LSTMCell: 4}]}}}}}
  other: pairs.apart
outputs:
  y: {from: [pairs.both, again, stacked], merge: concat, apply: {Dense: 1}}
  w: {from: ["pairs[1]", other], merge: sum}
"""

CASES["blocks"] = """
graphspec: 1
vars: {width: 6, rates: [0.1, 0.2], words: text}
blocks:
  unit:
    params: {units: , twice: "${2 * units}", rate: 0.5, deep: false, name: tanh, shape: [2, 3]}
    inputs: [x, extra]
    graph:
      wide: {from: x, apply: {Dense: {units: "${twice}", activation: "${name}"}}}
      deeper:
        when: "${deep and units > 2}"
        from: wide
        apply: [{Dropout: "${rate}"}, {Dense: "${twice}"}]
        otherwise: {when: "${units == 2}", from: wide, apply: ReLU, otherwise: wide}
      joined: {from: [deeper, extra], merge: concat}
    output: {from: joined, apply: [{Dense: "${units}"}, {LayerNormalization: , when: "${deep}"}]}
  tower:
    params: {depth: 2, units: 3}
    inputs: x
    graph:
      start: {from: x, apply: {Dense: "${units}"}}
    outputs:
      top: {from: start, apply: {plain: "${units}", repeat: "${depth}"}}
      side: {from: x, apply: {Dense: 2}}
  plain:
    params: {units: 3}
    inputs: x
    output: {from: x, apply: [{Dense: {units: "${units}", kernel_initializer: {HeNormal: {seed: 1}}}}, ReLU]}
inputs: {x: ["${width}"], z: [3]}
graph:
  a: {from: [x, z], apply: {unit: 2}}
  b: {from: [a, z], apply: {unit: {units: 4, deep: true, name: relu}}}
  c: {from: {extra: b, x: z}, apply: {unit: {units: 3, twice: 5, rate: "${0.1 + 0.2}"}}}
  t: {from: c, apply: {tower: {depth: 3}}}
  u: {from: t.top, apply: {tower: {depth: 1, units: "${width}"}}}
  v: {from: t.side, apply: [{plain: "${width // 2}", repeat: 2}, {plain: 4, repeat: 7}, Dropout: 0.1]}
  w: {from: v, apply: {Dense: 5, repeat: 6}}
  d: {from: w, apply: {Dense: 5, repeat: 3}}
outputs:
  y: {from: [u.top, u.side, d], merge: concat, apply: {Dense: 2}}
""".replace("Dropout: 0.1]", "{Dropout: 0.1}]")

CASES["one_by_one"] = """
graphspec: 1
blocks:
  cell:
    params: {units: , kind: Dense, label: null-ish}
    inputs: x
    output: {from: x, apply: {Dense: {units: "${units}", name: "cell_${units}"}}}
  odd:
    params: {depth: 1}
    inputs: x
    output: {from: x, apply: [{Dense: 4, repeat: "${depth}"}, ReLU]}
inputs: {x: [4]}
graph:
  a: {from: x, apply: [{cell: 4}, {cell: 5}]}
  odd__output_dense: {from: a, apply: {Dense: 4}}
  odd: {from: odd__output_dense, apply: [{odd: {depth: 3}}, {odd: {depth: 2}}]}
outputs: {y: {from: odd, apply: {Dense: 1}}}
"""

CASES["masks"] = """
graphspec: 1
inputs: {text: {shape: [null], dtype: int32}, maybe: {shape: [3], optional: true, batch_size: 4}}
graph:
  words: {from: text, apply: {Embedding: {input_dim: 9, output_dim: 4, mask_zero: true}}}
  states: {from: words, apply: {GRU: {units: 4, return_state: true, return_sequences: true}}}
  seen:
    from: {query: "states[0]", value: words}
    apply: {MultiHeadAttention: {num_heads: 2, key_dim: 2}}
    call: null
outputs:
  y: {from: seen, apply: [{GlobalAveragePooling1D: }, {Dense: 1}]}
  last: {from: "states[1]", apply: {Dense: 2}}
""".replace("    call: null\n", "").replace("maybe: {shape: [3], optional: true, batch_size: 4}", "other: {shape: [3]}")

CASES["mixed"] = """
graphspec: 1
inputs: {x: [4]}
graph: {h: {from: x, apply: [{Dense: 8}, {Dense: {units: 8, trainable: false}}]}}
outputs:
  a: {from: h, apply: {Dense: {units: 3, activation: softmax}}, loss: sparse_categorical_crossentropy,
      metrics: [accuracy, {SparseTopKCategoricalAccuracy: {k: 2}}], class_weight: {0: 2.0}}
  b: {from: h, apply: {Dense: {units: 1, dtype: float32}}, loss: {Huber: 2.0}, loss_weight: 0.3,
      metrics: [mae, {MeanSquaredError: {name: off}}], weighted_metrics: [MeanAbsoluteError]}
  c: {from: h, loss: null}
training:
  optimizer: {SGD: {learning_rate: {ExponentialDecay: {initial_learning_rate: 0.1, decay_steps: 5, decay_rate: 0.5}}}}
  precision: mixed_bfloat16
  jit_compile: false
  steps_per_execution: 4
  validation_freq: 2
  deterministic: true
  freeze: [h, "h_*"]
  log: [csv, mlflow]
  callbacks: [{EarlyStopping: {monitor: val_a_accuracy}}, {ReduceLROnPlateau: {monitor: val_b_loss}}]
"""

CASES["wrapped"] = """
graphspec: 1
models:
  enc:
    inputs: {a: [4]}
    graph: {n: {from: a, apply: {Dense: 3}}}
    outputs: {o: {from: n, apply: {Dense: 3}}}
layers: {pipe: {Pipeline: {layers: [{Rescaling: 2.0}, {Dense: 4}]}}}
inputs: {x: [5, 4]}
graph: {h: {from: x, apply: [pipe, {TimeDistributed: enc}]}}
outputs: {y: {from: h, apply: {Dense: 1}, loss: mse}}
training: {optimizer: adam, freeze: ["pipe/dense", "h/enc/n"]}
"""

CASES["application"] = """
graphspec: 1
models:
  net: {application: MobileNetV3Small, include_top: false, pooling: avg, input_shape: [32, 32, 3], trainable: false}
inputs: {image: [32, 32, 3]}
outputs: {y: {from: image, apply: [net, {Dense: 2}]}}
"""

CASES["conditions_and_items"] = """
graphspec: 1
vars: {widths: [4, 8, 16], last: "${widths[-1]}", all: "${sum(widths)}", deep: true, steps: "${range(1, 3)}"}
blocks:
  part:
    params: {width: , number: 0}
    inputs: x
    graph:
      a: {from: x, apply: {Dense: {units: "${width if number > 0 else 2 * width}", use_bias: "${number == 1}"}}}
    output: {from: a, apply: {Dense: "${[width, widths[number]][-1] + len(range(number))}"}}
inputs: {x: [4]}
graph:
  a: {from: x, apply: [{part: "${widths[0]}"}, {part: {width: "${last}", number: "${steps[1]}"}}]}
outputs: {y: {from: a, apply: {Dense: "${all // 2 if deep else 1}"}}}
"""

CASES["each"] = """
graphspec: 1
vars: {widths: [4, 8], width: 3, deep: true}
blocks:
  heads:
    params: {count: 2, units: 3}
    inputs: x
    graph:
      head: {each: {number: "${range(count)}"}, from: x, apply: {Dense: "${units + number}"}}
    output: {from: head, merge: concat}
inputs: {x: [6]}
graph:
  branch:  # one for each width
    each: {width: "${widths}", name: [a, b], wide: [false, true]}
    from: x
    apply:
      - {Dense: "${width}", repeat: "${width // 4}"}
      - {Dropout: "${width / 16}", when: "${wide}"}
      - {Reshape: {target_shape: ["${width // 2}", 2], name: "shaped_${name}"}}
  last: {each: {number: [0, 1]}, when: "${number > 0}", from: "branch[${number}]", otherwise: "branch[${number}]"}
  one: {each: {number: "${range(3)}"}, when: "${number == 1 and deep}", from: x, apply: {Dense: "${width}"}}
  flat: {each: {number: "${range(2)}"}, from: "last[${number}]", apply: Flatten}
  a: {from: x, apply: {heads: 3}}
  b: {from: x, apply: {heads: {units: 5}}}
outputs:
  y: {from: [flat, one, a, b], merge: concat, apply: {Dense: 2}}
  z: {each: {units: [1, 2]}, from: x, apply: {Dense: "${units}"}}
"""

CASES["constants_and_weights"] = """
graphspec: 1
vars: {length: 6, dim: 4}
blocks:
  shifted:
    params: {size: 4}
    inputs: x
    graph:
      scale: {constant: [1.0, 2.0, 3.0, 4.0]}
      bias: {apply: {ops.arange: "${size}"}}
      scaled: {from: [x, scale], apply: ops.multiply}
    output: {from: [scaled, bias], apply: ops.add}
  looked_up: {inputs: x, output: {from: x, apply: {Embedding: {input_dim: 6, output_dim: 4}}}}
models:
  inner:
    inputs: {a: [6, 4]}
    graph: {token: {weight: {shape: [1, 4], regularizer: {L2: 0.01}, trainable: false}}}
    outputs: {b: {from: [token, a], merge: {concat: {axis: 1}}}}
inputs: {image: [6, 4], cos: {shape: [6], dtype: int32}}
graph:
  positions: {apply: {ops.arange: "${length}"}}
  embedded: {from: positions, apply: looked_up}
  mean: {constant: [[0.4, 0.5, 0.3, 0.2]], dtype: float32}
  mask: {apply: [{ops.tri: {N: 3, M: 6}}, {ops.cast: bool}]}
  half: {from: mean, apply: [{ops.multiply: {x2: 0.5}}, {ops.squeeze: {axis: 0}}]}
  centred: {from: [image, half], apply: ops.subtract}
  seen: {from: [centred, embedded], apply: [ops.add, {shifted: }, shifted]}
  latents: {weight: {shape: [3, "${dim}"], initializer: {RandomNormal: {stddev: 0.02}}}, apply: LayerNormalization}
  read:
    from: {query: latents, value: seen}
    apply: {MultiHeadAttention: {num_heads: 2, key_dim: 2}, call: {attention_mask: mask}}
  first: {weight: {shape: [2, 5, 4], initializer: {GlorotUniform: {seed: 1}}}}
  joined: {from: [read, embedded], merge: {concat: {axis: 1}}}
  table: {constant: [[1, 2], [3, 4], [5, 6], [7, 8], [9, 10], [11, 12]]}
  picked: {from: {x: table, indices: cos}, apply: [{ops.take: {axis: 0}}, {ops.cast: float32}]}
  summed: {from: [first, joined], apply: {ops.einsum: "ijd,bkd->bik"}}
  flat: {each: {name: [joined, picked, summed]}, from: "${name}", apply: Flatten}
  nested: {from: image, apply: [inner, Flatten]}
outputs: {y: {from: [flat, nested], merge: concat, apply: {Dense: 2}}}
"""

CASES["layers_in_blocks"] = """
graphspec: 1
blocks:
  mixer:
    params: {units: 4}
    inputs: x
    layers: {mix: {Dense: "${units}"}, norm: LayerNormalization, each_step: {TimeDistributed: mix}}
    graph:
      a: {from: x, apply: [norm, mix]}
      b: {from: a, apply: [mix, norm, each_step]}
    output: {from: [a, b], merge: sum}
  encoder:
    params: {units: }
    inputs: [x, mask]
    graph:
      attended:
        from: {query: x, value: x}
        apply: {MultiHeadAttention: {num_heads: 2, key_dim: "${units}"}, call: {attention_mask: mask}}
    output: {from: [x, attended], merge: sum}
  stack:
    params: {units: 4}
    inputs: [x, mask]
    output: {from: x, apply: [{mixer: "${units}"}, {encoder: 3, repeat: 2, call: {mask: mask}}]}
inputs: {x: [6, 4], present: {shape: [1, 6], dtype: bool}}
graph:
  a: {from: x, apply: [{mixer: 4, repeat: 2}, {encoder: 3, repeat: 2, call: {mask: present}}]}
  b: {from: [a, present], apply: stack}
outputs: {y: {from: b, apply: [Flatten, {Dense: 1}]}}
"""
