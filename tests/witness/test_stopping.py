"""Programs that keep the signal to end: a bare ``except:``, a thread. Each has a worker of its own, which may end."""

from __future__ import annotations

from pathlib import Path

import pytest
from user_file import File

from gradtool.witness.host import MODEL_WITNESSES, Host

SWALLOWED = {
    "torch": """
        import torch
        net = torch.nn.Linear(2, 1)
        opt = torch.optim.SGD(net.parameters(), lr=0.1)
        while True:
            try:
                loss = (net(torch.ones(1, 2)) - net(torch.ones(1, 2)).detach() + 3).sum()
                opt.zero_grad()
                loss.backward()
                opt.step()
            EXCEPT
                print("once more")
    """,
    "tensorflow": """
        import tensorflow as tf
        import keras
        v = tf.Variable([1.0, 1.0])
        opt = keras.optimizers.SGD(0.1)
        while True:
            try:
                with tf.GradientTape() as tape:
                    loss = tf.reduce_sum(v - tf.stop_gradient(v)) + 3
                opt.apply_gradients([(tape.gradient(loss, v), v)])
            EXCEPT
                print("once more")
    """,
}


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
@pytest.mark.parametrize("handler", ["except:", "except Exception:"])
def test_evidence_comes_though_a_handler_swallows_the_signal(framework: str, handler: str, tmp_path: Path) -> None:
    heard: list[bytes] = []
    with Host([framework], 100, MODEL_WITNESSES, relay=heard.append) as host:
        evidence = File(framework, host, tmp_path).evidence(SWALLOWED[framework].replace("EXCEPT", handler))
    assert evidence.loss.value == 3.0
    assert evidence.norm == pytest.approx(2**0.5 if framework == "tensorflow" else 3**0.5)
    assert evidence.incidents == []
    assert (b"once more" in b"".join(heard)) is (handler == "except:")


def test_evidence_of_a_fit_comes_though_a_handler_swallows_the_signal(tmp_path: Path) -> None:
    with Host(["tensorflow"], 100, MODEL_WITNESSES) as host:
        evidence = File("tensorflow", host, tmp_path).evidence("""
            import keras
            import numpy as np
            net = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")])
            net.compile("sgd", "mse")
            while True:
                try:
                    net.fit(np.ones((4, 2)), np.zeros(4), verbose=0)
                except:
                    pass
        """)
    assert evidence.loss.value == pytest.approx(4.0)


def test_a_thread_that_enough_has_ended_says_nothing(tmp_path: Path) -> None:
    heard: list[bytes] = []
    program = """
        import threading
        import torch
        net = torch.nn.Linear(3, 1)
        opt = torch.optim.SGD(net.parameters(), lr=0.01)
        def work():
            for i in range(3):
                loss = net(torch.ones(8, 3)).pow(2).mean(); opt.zero_grad(); loss.backward(); opt.step()
            raise ValueError("the thread's own")
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    """
    with Host(["torch"], 100, MODEL_WITNESSES, relay=heard.append) as host:
        assert File("torch", host, tmp_path).evidence(program).norm > 0
        assert heard == []
        File("torch", host, tmp_path).evidence(program.replace("opt.step()", "opt.step(); break"))
    assert b"the thread's own" in b"".join(heard)
