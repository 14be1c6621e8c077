"""Every callable of the corpus in TensorFlow as a target of its own, and beside it its inputs.

The name is that of the case, with _ for all but letters and digits:

    gradtool check tests/corpus/callables_named_tensorflow.py:cube_sign
"""

import re

from callables_tensorflow import CASES

for _title, _case in CASES.items():
    _name = re.sub(r"\W+", "_", _title)
    globals()[_name], globals()[f"{_name}_inputs"] = _case.build()
