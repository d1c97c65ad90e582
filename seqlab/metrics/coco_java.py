"""The two Java programs of the COCO caption evaluation: the PTB tokeniser and METEOR 1.5.

The jars and their command lines are those of pycocoevalcap. Its own wrappers are not used: they
wait for ever on a Java that has died (METEOR's while it holds a lock that its destructor wants),
and the tokeniser's writes into the installed package.
"""

import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path

TOKENISER_SECONDS = 60.0  # to start
METEOR_SECONDS = 180.0  # to start: it unpacks a large table of paraphrases
SECONDS_PER_CAPTION = 0.1


class JavaError(RuntimeError):
    """A Java program that did not start, failed, or took too long."""


def java_problem() -> str | None:
    """Why Java cannot be run here, in a few words; None where it can."""
    path = shutil.which("java")
    return "java is not on the PATH" if path is None else _problem_of(path)


@cache
def _problem_of(path: str) -> str | None:
    # macOS and some images have a `java` that only says that there is none.
    try:
        answer = subprocess.run([path, "-version"], capture_output=True, timeout=TOKENISER_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"java does not start ({type(error).__name__})"
    return None if answer.returncode == 0 else f"java -version fails ({answer.returncode})"


def one_line(text: str) -> str:
    """The text with each run of white space, line ends of every script included, made one space."""
    return " ".join(text.split())


def ptb_tokenise(texts: Sequence[str]) -> list[str]:
    """Penn Treebank tokens in lower case, without punctuation, one space between them.

    Args:
        texts: captions; what stands on several lines is read as one.

    Raises:
        JavaError: Java failed.
    """
    from pycocoevalcap.tokenizer import ptbtokenizer

    if not texts:
        return []
    jar = Path(ptbtokenizer.__file__).parent / ptbtokenizer.STANFORD_CORENLP_3_4_1_JAR
    command = ["java", "-XX:+UseSerialGC", "-cp", str(jar)]
    command += ["edu.stanford.nlp.process.PTBTokenizer", "-preserveLines", "-lowerCase"]
    lines = "".join(one_line(text) + "\n" for text in texts)
    try:
        answer = subprocess.run(
            command,
            input=lines.encode("utf-8", errors="replace"),
            capture_output=True,
            timeout=TOKENISER_SECONDS + SECONDS_PER_CAPTION * len(texts),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise JavaError(f"the PTB tokeniser: {error}") from error
    found = answer.stdout.decode("utf-8").split("\n")[:-1]
    if answer.returncode != 0 or len(found) != len(texts):
        raise JavaError(f"the PTB tokeniser failed: {_last_line(answer.stderr)}")
    removed = set(ptbtokenizer.PUNCTUATIONS)
    return [" ".join(word for word in line.split() if word not in removed) for line in found]


def meteor_score(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """METEOR 1.5 of a corpus, 0 to 1; Denkowski and Lavie (2014), English, as COCO runs it.

    Args:
        hypotheses: one tokenised caption for each image.
        references: the tokenised references of each image.

    Raises:
        JavaError: Java failed, or took too long and was ended.
    """
    from pycocoevalcap.meteor import meteor as wrapper

    folder = Path(wrapper.__file__).parent
    command = ["java", "-XX:+UseSerialGC", "-Xmx2G"]
    command += ["-jar", wrapper.METEOR_JAR, "-", "-", "-stdio", "-l", "en", "-norm"]
    # Messages go to a file: nobody reads them while it runs, and a full pipe would stop Java.
    with tempfile.TemporaryFile() as messages:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=messages,
            )
        except OSError as error:
            raise JavaError(f"METEOR: {error}") from error
        seconds = METEOR_SECONDS + SECONDS_PER_CAPTION * len(hypotheses)
        watchdog = threading.Timer(seconds, process.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            return _converse(process, hypotheses, references)
        except (OSError, ValueError) as error:  # the pipe broke, or the answer is no number
            messages.seek(0)
            reason = _last_line(messages.read()) or str(error)
            raise JavaError(f"METEOR failed: {reason}") from error
        finally:
            watchdog.cancel()
            _end(process)


def _converse(
    process: subprocess.Popen[bytes],
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
) -> float:
    """Ask for the statistics of each image, then for the score of them all."""

    def ask(*fields: str) -> None:
        line = " ||| ".join(fields) + "\n"
        process.stdin.write(line.encode("utf-8", errors="replace"))
        process.stdin.flush()

    statistics = []
    for hypothesis, captions in zip(hypotheses, references, strict=True):
        ask("SCORE", *(_without_bars(text) for text in (*captions, hypothesis)))
        statistics.append(process.stdout.readline().decode().strip())
    ask("EVAL", *statistics)
    for _ in statistics:
        float(process.stdout.readline())  # the score of one image
    return float(process.stdout.readline())


def _without_bars(text: str) -> str:
    """The text without METEOR's separator of fields."""
    return one_line(text.replace("|||", ""))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leave no process, pipe or zombie behind, whatever state it is in."""
    process.kill()
    for pipe in (process.stdin, process.stdout):
        try:
            pipe.close()
        except OSError:  # what was still in the buffer has no reader any more
            continue
    process.wait()


def _last_line(message: bytes) -> str:
    lines = message.decode("utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
