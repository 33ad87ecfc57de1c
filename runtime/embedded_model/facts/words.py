"""Names, lists, translations and the vocabulary of reviews and essays."""

# ruff: noqa: E501

from __future__ import annotations

from facts.tables import phrases, words

NAMES = words("""
Ada Alice Bob Carol David Emma Frank Grace Henry Ivy Jack Kate Liam Mia Noah Olivia Paul
Quinn Rose Sam Tom Uma Victor Wendy Yara Zoe Anna Ben Clara Daniel Eva George Hannah Isaac
Julia Kevin Laura Mark Nina Oscar Peter Alan Grace Maria Omar Priya Chen Yuki Lars Ines
Marie John Mary James Linus Ken Barbara Edsger Donald Margaret Tim Guido
""")
SURNAMES = words("""
Smith Brown Green Miller Davis Wilson Moore Taylor Clark Lewis Hill Young King Wright Baker
Adams Cook Reed Bell Ward Lovelace Turing Hopper Curie Lee Kim Garcia Silva Novak Jensen
Khan Patel Tanaka Rossi Weber Johnson Liskov Hamilton Knuth Ritchie
""")
CITIES = phrases("""
Boston, Chicago, New York, Seattle, Toronto, Sydney, Milan, Munich, Barcelona, Osaka,
Mumbai, Geneva, Oxford, Cambridge, Lyon, Porto, Hamburg, Shanghai, Dubai, Denver, Austin,
Kyoto, Naples, Zurich
""")
SYLLABLES = words("""
ba be bo da de di do fa fe ga go ha he hi jo ka ke ko la le li lo ma me mi mo na ne ni no pa
pe po ra re ri ro sa se si so ta te ti to va ve vi wa we ya za zo an en in on ar er or al el
il as es is bra tri gru sho cha the kly sto fle wim dru pex qua zu mu nu xi yo
""")

LISTS = {
    "fruits": "apple,banana,orange,grape,mango,pear,peach,cherry,lemon,kiwi",
    "vegetables": "carrot,potato,onion,spinach,broccoli,cabbage,celery,leek",
    "animals": "dog,cat,horse,elephant,tiger,rabbit,bear,lion,cow,sheep",
    "colors": "red,blue,green,yellow,purple,orange,black,white",
    "sports": "football,tennis,basketball,swimming,running,cycling,golf",
    "planets": "Mercury,Venus,Earth,Mars,Jupiter,Saturn,Uranus,Neptune",
    "programming languages": "Python,C,Rust,Java,Go,JavaScript",
    "musical instruments": "piano,guitar,violin,drums,flute,trumpet",
    "countries": "France,Japan,Brazil,Canada,Egypt,India,Spain,Kenya",
    "days of the week": "Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday",
    "months": "January,February,March,April,May,June,July,August,September,October,November,December",
    "drinks": "water,tea,coffee,milk,juice",
    "books": "Hamlet,Don Quixote,Moby Dick,Emma,Dracula",
    "jobs": "teacher,doctor,engineer,farmer,nurse,pilot,chef",
    "cities": "London,Paris,Tokyo,Rome,Cairo,Lima,Oslo,Madrid",
}
MEMBERS = {kind: tuple(items.split(",")) for kind, items in LISTS.items()}
JOBS = MEMBERS["jobs"]

TRANSLATIONS = tuple(
    tuple(row.split(":"))
    for row in [
        "hello:bonjour:hola:hallo",
        "thank you:merci:gracias:danke",
        "good night:bonne nuit:buenas noches:gute Nacht",
        "cat:chat:gato:Katze",
        "dog:chien:perro:Hund",
        "house:maison:casa:Haus",
        "water:eau:agua:Wasser",
        "bread:pain:pan:Brot",
        "book:livre:libro:Buch",
        "friend:ami:amigo:Freund",
        "sun:soleil:sol:Sonne",
        "moon:lune:luna:Mond",
        "yes:oui:sí:ja",
        "no:non:no:nein",
        "please:s'il vous plaît:por favor:bitte",
        "red:rouge:rojo:rot",
        "school:école:escuela:Schule",
    ]
)
LANGUAGES = ("French", "Spanish", "German")

GOOD = words("""
wonderful great excellent amazing lovely perfect fantastic brilliant delightful good superb
nice
""")
BAD = words("""
terrible awful bad boring horrible poor disappointing dull broken ugly dreadful weak
""")
REVIEWED = words("""
movie book meal phone hotel song game trip coffee show food film service music
""")

ESSAY_TOPICS = (
    "cats", "the city", "a long trip", "school", "music", "winter", "the sea", "computers",
    "my friend", "football", "cooking", "a garden", "a mountain", "the moon", "dogs", "reading",
)  # fmt: skip
STRONG = (
    "The main idea about {t} is stated at once.",
    "Every example about {t} supports the point.",
    "For instance, a study shows clear results.",
    "The author compares {t} with something new.",
    "Therefore, the argument leads to a clear conclusion.",
    "A fresh image makes {t} easy to imagine.",
)
WEAK = (
    "{t} is good and good.",
    "I like {t} because I like it.",
    "Things are things and stuff.",
    "It is nice i think maybe.",
    "{t} is what it is.",
    "This is all I know.",
)
DIMENSIONS = {
    "Clarity": (
        "the writing is clear and easy to follow",
        "the writing is vague and hard to follow",
    ),
    "Originality": ("the essay offers fresh and creative ideas", "the essay repeats common ideas"),
    "Evidence": (
        "the points are supported by good examples",
        "there are almost no examples or facts",
    ),
    "Grammar": (
        "the sentences are correct and well formed",
        "there are errors in several sentences",
    ),
    "Structure": ("the paragraphs follow a logical order", "the ideas have no clear order"),
    "Relevance": ("the essay stays on the topic", "the essay often leaves the topic"),
    "Style": ("the tone is lively and precise", "the tone is flat and dull"),
    "Depth": ("the topic is explored in detail", "the topic is only touched on the surface"),
}
