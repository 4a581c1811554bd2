"""keras-ocr's names over ocrsmith's parts, so that its scripts keep running without TensorFlow.

import ocrsmith.compat.keras_ocr as keras_ocr
"""

from ocrsmith.compat.keras_ocr import (
    callbacks,
    config,
    data_generation,
    datasets,
    detection,
    evaluation,
    pipeline,
    recognition,
    tools,
)

__all__ = [
    "callbacks",
    "config",
    "data_generation",
    "datasets",
    "detection",
    "evaluation",
    "pipeline",
    "recognition",
    "tools",
]
