"""Tips with a paragraph each; every paragraph is fixed, so a taught tip has one right answer."""

# ruff: noqa: E501

from __future__ import annotations

from dataclasses import dataclass

from facts.tables import words


@dataclass(frozen=True, slots=True)
class Tip:
    """A topic, the tip's title, one lower-case word for short lists, and its sentences."""

    topic: str
    title: str
    word: str
    opening: str
    advice: str
    more: str
    effect: str

    @property
    def paragraph(self) -> str:
        """The expanded tip."""
        return f"{self.opening}. {self.advice}. {self.more}. In this way, {self.effect}."


_ROWS = """\
staying healthy|Balanced Diet|diet|A balanced diet gives the body the nutrients it needs|Eat plenty of fruits, vegetables, whole grains and lean proteins|Drink enough water and limit sugar, salt and processed food|it supports your energy, your mood and your immune system
staying healthy|Regular Exercise|exercise|Regular exercise keeps the heart, muscles and mind strong|Aim for at least thirty minutes of activity on most days of the week|Walking, cycling, swimming and dancing are all good choices|it lowers stress and helps you keep a healthy weight
staying healthy|Enough Sleep|sleep|Enough sleep lets the body and the brain recover|Most adults need seven to nine hours of sleep every night|Go to bed at the same time and keep your bedroom dark and quiet|it improves your memory, your mood and your focus
staying healthy|Drink Water|water|Drinking water keeps every part of the body working well|Carry a bottle with you and drink a glass with every meal|Replace sugary drinks with water or unsweetened tea|it helps digestion and keeps your skin healthy
staying healthy|Manage Stress|stress|Managing stress protects both the mind and the body|Take short breaks and breathe slowly when you feel tense|Spend time in nature, with friends or on a hobby|it helps you stay calm and sleep better
staying healthy|Good Hygiene|hygiene|Good hygiene stops germs from spreading|Wash your hands with soap before you eat and after you travel|Brush your teeth twice a day and visit a dentist|it protects you and the people around you
staying healthy|Morning Sunlight|sunlight|Morning sunlight tells the body that the day has begun|Spend a few minutes outside soon after you wake up|Protect your skin when the sun is strong|it helps you feel awake and sleep well at night
staying healthy|Daily Walking|walking|Walking is the easiest way to move more|Take the stairs and get off the bus one stop early|Wear good shoes and enjoy the way|it strengthens your heart and clears your head
staying healthy|Gentle Stretching|stretching|Stretching keeps the muscles long and the joints free|Hold each stretch for half a minute and never force it|Do it after work or after sport|it eases tension and prevents stiffness
staying healthy|Good Posture|posture|Good posture takes weight off the back and the neck|Keep your shoulders low and your screen at eye level|Stand up once every hour|it prevents pain and helps you breathe freely
staying healthy|Good Friends|friends|Good friends make hard days lighter|Call someone you like and listen well|Meet for a meal, a game or a walk|it keeps loneliness away and lifts your mood
staying healthy|Slow Breathing|breathing|Slow breathing calms the body within minutes|Breathe in through the nose and out for twice as long|Practice it before sleep or before a hard talk|it lowers your pulse and clears your mind
staying healthy|Good Breakfast|breakfast|A good breakfast gives you energy for the morning|Choose oats, fruit, eggs or whole bread|Prepare it the evening before when time is short|it keeps you full and focused until noon
staying healthy|More Vegetables|vegetables|Vegetables bring vitamins and fiber with few calories|Fill half of your plate with them at every meal|Try a new color every week|it keeps your digestion and your heart healthy
staying healthy|Fresh Fruit|fruit|Fresh fruit is a sweet snack that does you good|Keep apples, berries or bananas within reach|Eat it whole and not as juice|it gives you vitamins without added sugar
staying healthy|Regular Checkups|checkups|Regular checkups find problems while they are small|See a doctor and a dentist once a year|Write down your questions before you go|it gives you time to act and peace of mind
staying healthy|More Laughter|laughter|Laughter relaxes the body and joins people|Watch something funny or play with children|Do not take small failures too seriously|it lowers stress and brightens the day
staying healthy|Daily Reading|reading|Reading rests the eyes from screens and trains the mind|Read a few pages of a book every evening|Choose stories that you truly enjoy|it helps you relax and fall asleep
staying healthy|Calm Music|music|Music changes the mood faster than words|Listen to calm songs when you feel tense|Sing along or learn an instrument|it eases stress and brings joy
staying healthy|Working Hobbies|hobbies|Hobbies give the mind a rest from duty|Choose something that you do with your hands|Keep one hour a week free for it|it makes you calm, proud and happy
saving money|Make a Budget|budget|Making a budget shows where your money goes|Write down your income and all of your expenses each month|Set a limit for food, travel and fun|it gives you control over your spending
saving money|Cook at Home|cooking|Cooking at home is cheaper than eating out|Plan your meals and buy only what is on your list|Cook larger portions and freeze the rest|it saves money and is often healthier
saving money|Compare Prices|prices|Comparing prices helps you pay less for the same thing|Look at several shops before you buy something expensive|Wait for sales and use coupons when you can|it stops you from paying too much
learning a language|Practice Daily|practice|Practicing daily builds a strong habit|Study for fifteen minutes every day instead of three hours once a week|Use flash cards to review new words|it helps you remember words for a long time
learning a language|Speak with Others|speaking|Speaking with others turns knowledge into skill|Find a partner or a group and talk every week|Do not be afraid of mistakes because they help you learn|it builds confidence and a natural accent
learning a language|Read Simple Books|books|Reading simple books shows how words are used|Start with stories for children and move up slowly|Underline new words and guess their meaning first|it grows your vocabulary in a natural way
studying|Take Notes|notes|Taking notes helps you follow and remember a lesson|Write the main ideas in your own words|Use short lists, arrows and small drawings|it makes it easier to study before an exam
studying|Take Breaks|breaks|Taking breaks keeps the mind fresh|Work for twenty-five minutes and rest for five|Stand up, stretch and look away from the screen|it helps you concentrate for longer
studying|Set Goals|goals|Setting goals gives your work a clear direction|Choose one small goal for each session|Write the goal down and check it when you finish|it keeps you motivated
travelling|Pack Light|packing|Packing light makes every trip easier|Choose clothes that match and can be washed quickly|Make a list and leave out things you will not use|it saves time, money and effort
travelling|Plan Ahead|planning|Planning ahead prevents many problems on a trip|Book your tickets and rooms early|Learn about the local weather and customs|it leaves more time to enjoy the place
travelling|Try Local Food|food|Trying local food is a tasty way to know a place|Visit a market and ask people what they like|Choose busy places where the food is fresh|it turns a simple meal into a memory
working from home|Set a Schedule|schedule|Setting a schedule separates work from rest|Start and finish at the same time each day|Plan your hardest task for the morning|it keeps you productive without burning out
working from home|Tidy Desk|desk|A tidy desk helps you think clearly|Remove things that you do not need today|Keep your tools in the same place|it reduces distraction and saves time
gardening|Good Soil|soil|Good soil is the base of a healthy garden|Mix in compost before you plant|Keep the soil loose so that roots can grow|it feeds the plants for the whole season
gardening|Water Early|watering|Watering early gives plants time to drink|Water the roots and not the leaves|Check the soil with your finger first|it prevents disease and saves water
public speaking|Practice Aloud|voice|Practicing aloud prepares your voice and your mind|Stand up and speak as if people were listening|Record yourself and listen for words you repeat|it makes the real talk feel familiar
public speaking|Know Your Audience|audience|Knowing your audience helps you choose the right words|Find out what people already know|Use examples from their daily life|it keeps people interested until the end"""

TIPS = tuple(Tip(*row.split("|")) for row in _ROWS.splitlines())

TOPICS = (
    *dict.fromkeys(tip.topic for tip in TIPS),
    "staying happy",
    "being a good friend",
    "cooking",
    "writing",
    "running",
    "making friends",
    "raising a dog",
    "playing chess",
    "driving safely",
    "better sleep",
    "learning to code",
    "writing good code",
)
TITLE_WORDS = words("""
Early Daily Quiet Small Honest Kind Slow Simple Fresh Weekly Warm Bright Open Calm Long
Walks Meals Notes Friends Plans Music Smiles Breaks Lists Books Games Habits Mornings
Letters Songs Call Read Write Take Keep Share Find Plan Visit Learn Try Start Good Better
Rest Test Talk Help Clean Code Dogs Trees Work Play Time Sport Light Water Bread
""")


def other_paragraph(title: str, topic: str) -> str:
    """Return the paragraph for a tip that no table knows: it repeats the title and the topic."""
    return (
        f"{title[:1].upper()}{title[1:]} is a simple habit that helps with {topic}. Start with a "
        f"small step and make {title} a part of every week. Over time, {title} becomes easy and "
        "brings good results."
    )
