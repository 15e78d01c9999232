"""The model's side: services, the scripted tour, prompts and retries. Loads no SDK."""

from pocketcoder_tui.reasoning.gemini import GeminiModel, preload
from pocketcoder_tui.reasoning.prompt import system_prompt
from pocketcoder_tui.reasoning.retry import stream_with_retries
from pocketcoder_tui.reasoning.tour import TourModel

__all__ = ["GeminiModel", "TourModel", "preload", "stream_with_retries", "system_prompt"]
