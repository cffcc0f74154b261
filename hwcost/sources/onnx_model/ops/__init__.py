"""One file, one family of ONNX ops: each is replayed by the ops of torch that amount to it."""
