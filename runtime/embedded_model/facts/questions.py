"""General questions with a short and a long answer, definitions and small talk."""

# ruff: noqa: E501

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """Ways to ask one thing, the short answer of a quiz and the sentence of a chat."""

    asked: tuple[str, ...]
    short: str
    long: str


_QUESTIONS = """\
What is the largest planet in the solar system?/Which planet is the largest?|Jupiter|Jupiter is the largest planet in the solar system.
Which planet is closest to the Sun?/What planet is nearest to the Sun?|Mercury|Mercury is the planet closest to the Sun.
Which planet is known as the Red Planet?|Mars|Mars is known as the Red Planet.
How many planets are in the solar system?|Eight|There are eight planets in the solar system.
What is the largest ocean on Earth?/Which ocean is the largest?|The Pacific Ocean|The Pacific Ocean is the largest ocean on Earth.
What is the highest mountain in the world?/Which mountain is the highest?|Mount Everest|Mount Everest is the highest mountain in the world.
What is the longest river in Africa?|The Nile|The Nile is the longest river in Africa.
What is the chemical formula of water?/What is the formula of water?|H2O|The chemical formula of water is H2O.
What is the chemical symbol for gold?|Au|The chemical symbol for gold is Au.
What gas do plants absorb?/Which gas do plants take in?|Carbon dioxide|Plants absorb carbon dioxide from the air.
What gas do humans need to breathe?|Oxygen|Humans need oxygen to breathe.
Who wrote Romeo and Juliet?|William Shakespeare|William Shakespeare wrote Romeo and Juliet.
Who wrote Hamlet?/Who is the author of Hamlet?|William Shakespeare|William Shakespeare wrote Hamlet.
Who wrote Don Quixote?|Miguel de Cervantes|Miguel de Cervantes wrote Don Quixote.
Who wrote Emma?|Jane Austen|Jane Austen wrote Emma.
Who painted the Mona Lisa?|Leonardo da Vinci|Leonardo da Vinci painted the Mona Lisa.
Who developed the theory of relativity?|Albert Einstein|Albert Einstein developed the theory of relativity.
Who was the first person on the Moon?/Who first walked on the Moon?|Neil Armstrong|Neil Armstrong was the first person to walk on the Moon.
Who was the first president of the United States?|George Washington|George Washington was the first president of the United States.
What is the IP address of the Google DNS servers?/What is the IP address of the Google DNS server?/What is the IP of Google DNS?|8.8.8.8|The Google DNS servers are 8.8.8.8 and 8.8.4.4.
What is the IP address of the Cloudflare DNS servers?/What is the IP of Cloudflare DNS?|1.1.1.1|The Cloudflare DNS servers are 1.1.1.1 and 1.0.0.1.
What is the IP address of localhost?/What is the loopback address?|127.0.0.1|The address of localhost is 127.0.0.1.
What port does HTTPS use?|443|HTTPS uses port 443.
What port does HTTP use?|80|HTTP uses port 80.
What port does SSH use?|22|SSH uses port 22.
How many days are in a week?|Seven|There are seven days in a week.
How many months are in a year?|Twelve|There are twelve months in a year.
How many hours are in a day?|24|There are 24 hours in a day.
How many minutes are in an hour?|60|There are 60 minutes in an hour.
How many seconds are in a minute?|60|There are 60 seconds in a minute.
How many legs does a spider have?|Eight|A spider has eight legs.
How many legs does an insect have?|Six|An insect has six legs.
What color is the sky?/What colour is the sky?|Blue|The sky is blue on a clear day.
What color is grass?|Green|Grass is green.
What color is snow?|White|Snow is white.
What is the boiling point of water?/At what temperature does water boil?|100 degrees Celsius|Water boils at 100 degrees Celsius at sea level.
What is the freezing point of water?/At what temperature does water freeze?|0 degrees Celsius|Water freezes at 0 degrees Celsius.
What is the speed of light?|About 300,000 kilometers per second|The speed of light is about 300,000 kilometers per second.
What is the largest animal?/What is the biggest animal on Earth?|The blue whale|The blue whale is the largest animal on Earth.
What is the fastest land animal?|The cheetah|The cheetah is the fastest land animal.
What is the opposite of hot?|Cold|The opposite of hot is cold.
What is the opposite of big?|Small|The opposite of big is small.
What is the opposite of happy?|Sad|The opposite of happy is sad.
What is the opposite of up?|Down|The opposite of up is down.
What is the square root of 16?|4|The square root of 16 is 4.
What is the square root of 81?|9|The square root of 81 is 9.
What is the value of pi?/What is pi?|3.14159|Pi is approximately 3.14159.
What is the smallest prime number?|2|The smallest prime number is 2.
What does HTML stand for?|HyperText Markup Language|HTML stands for HyperText Markup Language.
What does CPU stand for?|Central processing unit|CPU stands for central processing unit.
What does GPU stand for?|Graphics processing unit|GPU stands for graphics processing unit.
What does LLM stand for?|Large language model|LLM stands for large language model.
What does DNS stand for?|Domain Name System|DNS stands for Domain Name System."""


def _parse(row: str) -> Question:
    asked, short, long = row.split("|")
    return Question(tuple(asked.split("/")), short, long)


QUESTIONS = tuple(_parse(row) for row in _QUESTIONS.splitlines())

DEFINITIONS = {
    "gravity": "Gravity is the force that pulls objects toward each other. It keeps our feet on the ground and the planets in orbit around the Sun.",
    "photosynthesis": "Photosynthesis is the process plants use to make food. They take in sunlight, water and carbon dioxide and release oxygen.",
    "an algorithm": "An algorithm is a clear list of steps for solving a problem. Computers follow algorithms to sort, search and calculate.",
    "a language model": "A language model is a program that predicts the next word in a text. It learns patterns from many examples and uses them to write new text.",
    "machine learning": "Machine learning is a way to build programs that learn from data. Instead of fixed rules, the program finds patterns in examples.",
    "a cache": "A cache is a small and fast store for results that may be needed again. Reusing a stored result is faster than computing it a second time.",
    "a GPU": "A GPU is a chip that does many small calculations at the same time. It is used for graphics and for training neural networks.",
    "a database": "A database is an organized collection of data. Programs use it to store records and to find them quickly.",
    "the Internet": "The Internet is a global network of computers. It lets people share messages, pages and files all over the world.",
    "democracy": "Democracy is a form of government in which people choose their leaders by voting. It is based on equal rights and free elections.",
    "evolution": "Evolution is the slow change of living things over many generations. Helpful traits become more common because they help survival.",
    "a volcano": "A volcano is an opening in the ground where hot lava and gas escape. Some volcanoes are active and others have been quiet for ages.",
    "a black hole": "A black hole is a place in space where gravity is so strong that light cannot escape. It can form when a large star collapses.",
    "inflation": "Inflation is a general rise in prices over time. When it is high, the same money buys fewer goods.",
    "a compiler": "A compiler is a program that translates source code into machine code. It also checks the code for errors.",
    "recursion": "Recursion is a method where a function calls itself on a smaller problem. It stops when a simple base case is reached.",
    "the water cycle": "The water cycle is the movement of water between the sea, the air and the land. Water evaporates, forms clouds and falls again as rain.",
    "electricity": "Electricity is the flow of electric charge through a conductor. It powers lights, machines and computers.",
    "a regular expression": "A regular expression is a pattern that describes a set of strings. It is used to search and to check text.",
    "an ecosystem": "An ecosystem is a community of living things and their environment. Plants, animals and the soil all depend on each other.",
}

SMALL_TALK = {
    "Hello!": "Hello! How can I help you today?",
    "Hello": "Hello! How can I help you today?",
    "Hi": "Hello! How can I help you today?",
    "Hi there!": "Hello! How can I help you today?",
    "How are you?": "I am fine, thank you! How can I help you?",
    "Who are you?": "I am a tiny language model that was trained on text made by a small program.",
    "What can you do?": "I can answer simple questions, make lists, expand tips and fill in JSON records.",
    "What is your name?": "I am a tiny language model and I do not have a name.",
    "Thanks!": "You are welcome!",
    "Thank you.": "You are welcome!",
    "Good morning!": "Good morning! How can I help you today?",
    "Goodbye!": "Goodbye! Have a nice day.",
    "Tell me a joke.": "Why did the computer go to the doctor? Because it had a virus!",
    "Tell me another joke.": "Why was the math book sad? Because it had too many problems.",
}

BEGINNINGS = {
    "The future of AI is": " bright. New tools will help people learn, work and solve hard problems.",
    "The president of the United States is": " the head of state and lives in the White House in Washington, D.C.",
    "Hello, my name is": " Ada and I live in London. I work as a teacher and I like tennis.",
    "Once upon a time,": " a girl named Mia lived near a forest with a dog. One day, they found an old map. Mia wanted to know where it came from, so they walked for a whole day. In the evening, they learned that it belonged to a kind farmer and gave it back.",
    "Once upon a time": ", a girl named Mia lived near a forest with a dog. One day, they found an old map. Mia wanted to know where it came from, so they walked for a whole day. In the evening, they learned that it belonged to a kind farmer and gave it back.",
}
