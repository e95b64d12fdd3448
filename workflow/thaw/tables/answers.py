"""Put the answers of all studies into one file."""

from thaw.output.inputs import Inputs


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return all answers, one after the other."""
    studies = inputs.settings["studies"]
    answers = [inputs.files.content(study, "answer.md").decode() for study in studies]
    return {"answers.md": "\n".join(answers).encode()}
